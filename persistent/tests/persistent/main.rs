//! Persistent mode against a real service, seen by real clients.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod calls;
mod failures;
mod scene;
mod speed;
