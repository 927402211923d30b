//! What every request handler of a service shares.

use std::{sync::Arc, time::Duration};

use signalr_serverless::AccessKey;

use crate::{
    auth::{ClientKey, Verifier},
    hub::Hubs,
    transport::tokens::ConnectionTokens,
};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Hubs,
    pub(crate) tokens: Arc<ConnectionTokens>,
    pub(crate) verifier: Verifier,
    /// What the service signs tokens with.
    pub(crate) signing_key: AccessKey,
    /// What others may sign client tokens with.
    pub(crate) client_key: ClientKey,
    /// How long a client has to answer an invocation.
    pub(crate) invocation_timeout: Duration,
}
