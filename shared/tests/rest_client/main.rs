//! The REST client against a small HTTP server on a free port.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

mod clients;
mod each;
mod endpoints;
#[cfg(feature = "entra")]
mod entra;
mod errors;
mod group_pages;
#[cfg(feature = "entra")]
mod managed_identity;
mod requests;
mod retries;
mod server;
mod versions;
mod wire_names;
