//! The sources of calls, and the envelopes of the platforms.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the router of the functions for a platform |
//! | `azure`, `lambda` | the envelopes of the platforms around a call |
//! | `body_time` | how long a caller may take to send a body |
//! | `port` | a port of this machine |
//! | `process` | the process: platform, signals, exit status |
//! | `watched` | its log and its traces |

mod azure;
mod body_time;
#[cfg(feature = "lambda")]
mod lambda;
mod port;
pub(crate) mod process;
mod watched;

use axum::Router;

use crate::{
    call::{self, function::Function},
    config::{Config, listen::Listen},
};

/// Makes a router for functions, together with `GET /`, CORS, the errors of bad calls and the
/// platform's envelopes.
pub fn router(config: &Config, functions: impl IntoIterator<Item = Function>) -> Router {
    let functions: Vec<Function> = functions.into_iter().collect();
    let without_triggers = functions.iter().filter(|function| function.on_trigger.is_none());
    let without_triggers = without_triggers.map(|function| function.name).collect();
    let router = call::router::router(config, functions);
    body_time::limit(match config.listen {
        // Lambda sends complete bodies.
        Listen::Lambda => return router,
        Listen::Azure { .. } => azure::with_envelopes(router, without_triggers),
        Listen::Local { .. } => router,
    })
}

#[cfg(test)]
mod tests;
