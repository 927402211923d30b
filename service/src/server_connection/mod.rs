//! The endpoint of app servers, `/server/`: a server connection from its upgrade to its end, and
//! the messages of an app on it.
//!
//! The messages of an app become the same commands and questions as the calls of REST; each file of
//! messages has an equivalent in `rest/`. A message that cannot be read ends the connection,
//! because the bytes after it cannot be trusted. A message about something that does not exist has
//! no effect, or is answered with NotFound.

mod acks;
mod app;
mod client_results;
mod clients;
mod closing;
mod endpoint;
mod existence;
mod groups;
mod in_turn;
mod incoming;
mod keys;
mod logins;
mod opening;
mod payloads;
mod pings;
mod reader;
mod sends;
mod socket;
mod writer;

use std::sync::Arc;

use axum::{Router, routing::any};

use crate::state::State;

/// The routes of the endpoint.
pub(crate) fn router() -> Router<Arc<State>> {
    Router::new().route("/server/", any(endpoint::connect)).route("/server", any(endpoint::connect))
}
