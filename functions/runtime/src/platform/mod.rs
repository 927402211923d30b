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
use tower::util::{MapRequest, MapRequestLayer};

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
    let calls = call::router::service(config, functions);
    match config.listen {
        // Lambda sends complete bodies.
        Listen::Lambda => Router::new().fallback_service(calls),
        Listen::Azure { .. } => {
            let calls = Router::new().fallback_service(calls);
            let router = azure::with_envelopes(calls, without_triggers);
            router.layer(MapRequestLayer::new(body_time::limit))
        }
        // A layer of the router would be copied for each call, with everything below it.
        Listen::Local { .. } => {
            Router::new().fallback_service(MapRequest::new(calls, body_time::limit))
        }
    }
}

#[cfg(test)]
mod tests;
