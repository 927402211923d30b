//! What every request handler of a service shares.

use std::sync::Arc;

use crate::{auth::Verifier, hub::Hubs, transport::tokens::ConnectionTokens};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Hubs,
    pub(crate) tokens: Arc<ConnectionTokens>,
    pub(crate) verifier: Verifier,
}
