//! Where calls come from, and what the platforms put around them.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the functions as the platform calls them |
//! | `azure`, `lambda` | what the platforms put around a call |
//! | `body_time` | how long a caller may take to send a body |
//! | `port` | a port of this machine |
//! | `process` | the process: platform, signals, exit status |

mod azure;
mod body_time;
#[cfg(feature = "lambda")]
mod lambda;
mod port;
pub(crate) mod process;

use axum::Router;

use crate::{
    call::{self, function::Function},
    config::{Config, listen::Listen},
};

/// Puts functions behind their paths, together with `GET /`, CORS, the errors of bad calls and what
/// the platform puts around a call.
pub fn router(config: &Config, functions: impl IntoIterator<Item = Function>) -> Router {
    let functions: Vec<Function> = functions.into_iter().collect();
    let without_triggers = functions.iter().filter(|function| function.on_trigger.is_none());
    let without_triggers = without_triggers.map(|function| function.name).collect();
    let router = call::router::router(config, functions);
    body_time::limit(match config.listen {
        // Lambda brings whole bodies.
        Listen::Lambda => return router,
        Listen::Azure { .. } => azure::with_envelopes(router, without_triggers),
        Listen::Local { .. } => router,
    })
}

#[cfg(test)]
mod tests;
