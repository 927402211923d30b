//! The runtime that the functions share.
//!
//! A function is a name, a handler and the rule that decides who may call it ([`Function`]).
//! [`router`] makes a router for functions. [`start`] reads the [`Config`] and serves the router on
//! AWS Lambda, as an Azure Functions custom handler or on a local port.
//!
//! | folder | concern |
//! |---|---|
//! | `config` | the settings of the environment, read once, and their errors |
//! | `call` | one call: its path, its caller, its user, and its answer |
//! | `platform` | the source of calls: AWS Lambda, Azure Functions, a port of this machine |

mod call;
mod config;
mod platform;

pub use call::{
    authorization::Authorization,
    client_token::ClientToken,
    cors::AllowedOrigins,
    deadline::Deadline,
    endpoints::Endpoints,
    field::Field,
    followed::Followed,
    function::{BODY_LIMIT, Function},
    hubs::Hubs,
    identity::{Caller, Identity},
    items::{Items, MAX_ITEMS},
    log::failed as log_failure,
    problem::Problem,
    results::Results,
};
#[cfg(feature = "rest")]
pub use config::service_client::service_client;
pub use config::{
    Config,
    environment::ConfigError,
    event_grid::{EventGrid, EventSchema},
    listen::Listen,
    variable,
};
pub use platform::{process::start, router};
