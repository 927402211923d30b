//! The steps of a call as spans of OpenTelemetry.
//!
//! A program begins to send spans with `Export::start`, if the standard variables name a collector.
//! Whatever serves a call makes a [`Step`] of it, as part of the trace that its caller is in. While
//! nothing is sent, a step is nothing and costs nothing.
//!
//! ```
//! use http::HeaderMap;
//! use signalr_traces::Step;
//!
//! let step = Step::serve(&format_args!("broadcast"), &HeaderMap::new());
//! step.note("http.response.status_code", 202);
//! assert_eq!(step.trace_id(), None, "nothing is sent");
//! ```
//!
//! | file | concern |
//! |---|---|
//! | `step`, `no_step` | a step of a call, with and without the feature `export` |
//! | `export` | sending spans |
//! | `collector` | the requests to the collector |
//! | `variable` | the standard variables that are read here |

#![warn(missing_docs)]

#[cfg(feature = "export")]
mod collector;
#[cfg(feature = "export")]
mod export;
#[cfg(not(feature = "export"))]
mod no_step;
#[cfg(feature = "export")]
mod step;
#[cfg(feature = "export")]
mod variable;

#[cfg(feature = "export")]
pub use self::{
    export::{Export, ExportError},
    step::Step,
};
#[cfg(not(feature = "export"))]
pub use no_step::Step;
