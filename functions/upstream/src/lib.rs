//! The upstream function: what clients do at the service arrives here as HTTP requests, and what a
//! method returns becomes the client's result.
//!
//! [`Upstream`] is the router for it, to be filled with methods of one's own:
//!
//! ```
//! use signalr_function_runtime::Config;
//! use signalr_upstream::{Context, MethodError, Upstream};
//!
//! # fn router(config: &Config) -> axum::Router {
//! let upstream = Upstream::new(config)
//!     .on_connected(|caller: Context| async move {
//!         match caller.user() {
//!             Some(_) => Ok(()),
//!             None => Err(MethodError::refused("sign in first")),
//!         }
//!     })
//!     .on("add", |_, (a, b): (i64, i64)| async move { Ok(a + b) });
//! signalr_function_runtime::router(config, [upstream.function()])
//! # }
//! ```
//!
//! The service is to call `/api/upstream`; every hub and event may go to that one URL. What this
//! crate serves itself is the upstream of the chat page ([`chat`]).

#![warn(missing_docs)]

mod chat;
mod context;
mod encoding;
mod error;
mod invocation;
mod method;
mod upstream;

use axum::Router;
use signalr_function_runtime::{Config, ConfigError, service_client};

pub use self::{chat::chat, context::Context, error::MethodError, upstream::Upstream};

/// The upstream of the chat behind its paths.
///
/// # Errors
///
/// [`ConfigError`] where the connection string names an identity that cannot be used.
pub fn router(config: &Config) -> Result<Router, ConfigError> {
    let upstream = chat(config, service_client(config)?);
    Ok(signalr_function_runtime::router(config, [upstream.function()]))
}
