//! The upstream function: clients' actions arrive from the service as HTTP requests, and a method's
//! return value becomes the client's result.
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
//! Let the service call `/api/upstream`. This one URL accepts every hub and event.

#![warn(missing_docs)]

mod context;
mod encoding;
mod error;
mod event_grid;
mod invocation;
mod method;
mod upstream;

pub use self::{context::Context, error::MethodError, upstream::Upstream};
