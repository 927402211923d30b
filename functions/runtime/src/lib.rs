//! What the functions share.
//!
//! A function is a name, a handler and the rule who may call it ([`Function`]). [`router`] puts
//! functions behind their paths, [`start`] reads the [`Config`] and serves the router on AWS
//! Lambda, as an Azure Functions custom handler or on a local port.
//!
//! | folder | concern |
//! |---|---|
//! | `config` | what the environment says, read once, and what is wrong with it |
//! | `call` | one call: its path, who may make it, for whom, and what comes of it |
//! | `platform` | where calls come from: AWS Lambda, Azure Functions, a port of this machine |

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
