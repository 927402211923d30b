//! Bytes that Microsoft's own library wrote, and conversations of a real app and a real SDK.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod bad_input;
mod conversations;
mod fields;
mod large_values;
mod record;
mod recorded;
