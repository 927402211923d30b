//! What the functions share.
//!
//! A function is a name, a handler and the rule who may call it ([`Function`]). [`router`] puts
//! functions behind their paths, [`start`] reads the [`Config`] and serves the router on AWS
//! Lambda, as an Azure Functions custom handler or on a local port.
//!
//! | file | concern |
//! |---|---|
//! | `variable` | the name and meaning of every environment variable |
//! | `environment` | reading a variable, and what is wrong with one |
//! | `config` | reading them all, once |
//! | `listen` | where calls come from |
//! | `hubs` | which hub a call is for |
//! | `identity` | who negotiates |
//! | `client_token` | what every client's token is given |
//! | `authorization` | who may call |
//! | `cors` | which browser origins may read answers |
//! | `path` | from a URL's path to hub and function, on each platform |
//! | `function` | what it is called, who may call it, what it does |
//! | `router` | one call from its path to its handler |
//! | `items` | a body of one item or an array of them |
//! | `deadline` | by when a call must be answered |
//! | `results` | what became of each item |
//! | `problem` | errors, as `application/problem+json` |
//! | `trigger` | calls that are no HTTP requests: timers, queues, topics |
//! | `azure`, `lambda` | what the platforms put around a call |
//! | `log` | what their logs are told |
//! | `http_client` | the process's one HTTP client |
//! | `service_client` | calling the service |
//! | `port` | a port of this machine |
//! | `serve` | the process: platform, signals, exit status |

mod authorization;
mod azure;
mod client_token;
mod config;
mod cors;
mod deadline;
mod environment;
mod function;
mod http_client;
mod hubs;
mod identity;
mod items;
#[cfg(feature = "lambda")]
mod lambda;
mod listen;
mod log;
mod path;
mod port;
mod problem;
mod query;
mod results;
mod router;
mod serve;
#[cfg(feature = "rest")]
mod service_client;
mod trigger;
pub mod variable;

pub use authorization::Authorization;
pub use client_token::ClientToken;
pub use config::Config;
pub use cors::AllowedOrigins;
pub use deadline::Deadline;
pub use environment::ConfigError;
pub use function::{BODY_LIMIT, Function};
pub use hubs::Hubs;
pub use identity::{Caller, Identity};
pub use items::{Items, MAX_ITEMS, given};
pub use listen::Listen;
pub use problem::Problem;
pub use results::Results;
pub use router::router;
pub use serve::start;
#[cfg(feature = "rest")]
pub use service_client::service_client;
