//! The client against a running service, and against servers that do what a service does not.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod bad_servers;
mod calls;
mod cutter;
mod reconnects;
mod scene;
mod script;
mod transports;
