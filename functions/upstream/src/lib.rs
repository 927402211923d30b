//! The upstream function: what clients do at the service arrives here as HTTP requests, and what a
//! method returns becomes the client's result.
//!
//! [`Upstream`] is the router for it. You add your methods to it:
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
//! The service is to call `/api/upstream`; every hub and event may go to that one URL.

#![warn(missing_docs)]

mod context;
mod encoding;
mod error;
mod event_grid;
mod invocation;
mod method;
mod upstream;

pub use self::{context::Context, error::MethodError, upstream::Upstream};
