//! Where calls come from, and what the platforms put around them.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the functions as the platform calls them |
//! | `azure`, `lambda` | what the platforms put around a call |
//! | `port` | a port of this machine |
//! | `process` | the process: platform, signals, exit status |

mod azure;
#[cfg(feature = "lambda")]
mod lambda;
mod port;
pub(crate) mod process;

use std::time::Duration;

use axum::Router;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::{
    call::{self, function::Function},
    config::{Config, listen::Listen},
};

/// For each part of a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Puts functions behind their paths, together with `GET /`, CORS, the errors of bad calls and what
/// the platform puts around a call.
pub fn router(config: &Config, functions: impl IntoIterator<Item = Function>) -> Router {
    let functions: Vec<Function> = functions.into_iter().collect();
    let without_triggers = functions.iter().filter(|function| function.on_trigger.is_none());
    let without_triggers = without_triggers.map(|function| function.name).collect();
    let router = call::router::router(config, functions);
    let router = match config.listen {
        // Lambda brings whole bodies.
        Listen::Lambda => return router,
        Listen::Azure { .. } => azure::with_envelopes(router, without_triggers),
        Listen::Local { .. } => router,
    };
    router.layer(RequestBodyTimeoutLayer::new(BODY_TIME))
}

#[cfg(test)]
mod tests;
