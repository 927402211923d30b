//! Scenarios that the service must survive without loss for others: bad input, storms of clients,
//! and a machine that stops. Each scenario starts its own `signalr serve`.
//!
//! | file | concern |
//! |---|---|
//! | `scale` | the size of the scenarios |
//! | `service` | the service in its own process |
//! | `site` | its address, sockets to it, and tokens for it |
//! | `http` | requests |
//! | `client/` | a client of each transport, what it reads, and listeners that check it |
//! | `publisher` | numbers that clients should get |
//! | `scenario/` | a file for each scenario |

#![warn(missing_docs)]

mod client;
mod http;
mod publisher;
mod scale;
mod scenario;
mod service;
mod site;

pub use self::{scale::Scale, scenario::Scenario};

/// Why a scenario failed: what was expected and what happened.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
