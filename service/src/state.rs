//! What every request handler of a service shares.

use std::{sync::Arc, time::Duration};

use signalr_serverless::AccessKey;

use crate::{
    auth::{ClientKeys, Verifier},
    clock::Clock,
    counters::Counters,
    drain::Stage,
    hub::Hubs,
    tokens::ConnectionTokens,
};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Hubs,
    pub(crate) tokens: ConnectionTokens,
    pub(crate) verifier: Verifier,
    /// What the service signs tokens with.
    pub(crate) signing_key: AccessKey,
    /// What others may sign client tokens with.
    pub(crate) client_keys: ClientKeys,
    /// Whether anybody upstream is told what clients do.
    pub(crate) has_upstream: bool,
    /// The largest message that a client may send, in bytes.
    pub(crate) max_client_message: usize,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    /// The scheme that callers use who come without a proxy.
    pub(crate) scheme: &'static str,
    /// How far the service is.
    pub(crate) stage: Stage,
    /// How long a client has to answer an invocation.
    pub(crate) invocation_timeout: Duration,
}
