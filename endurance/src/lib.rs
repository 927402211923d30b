//! What the service must survive, with nothing lost for others: bad input, storms of clients, and a
//! machine that goes away. Each scenario runs a `signalr serve` of its own.
//!
//! | file | concern |
//! |---|---|
//! | `scale` | how much of everything |
//! | `service` | the service in a process of its own |
//! | `site` | where it is, sockets to it, and tokens for it |
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

/// Why a scenario failed: what was expected, and what came.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
