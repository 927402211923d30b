//! What every request handler of a service shares.

use std::{sync::Arc, time::Duration};

use signalr_serverless::AccessKey;

use crate::{
    admission::{Admission, Calls},
    auth::{ClientKeys, Verifier},
    carrier::QueueBudget,
    clock::Clock,
    connect_rate::ConnectRate,
    counters::Counters,
    hub::Hubs,
    tokens::ConnectionTokens,
};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Hubs,
    pub(crate) tokens: ConnectionTokens,
    pub(crate) admission: Admission,
    pub(crate) calls: Calls,
    /// How many clients may connect in a second, if there is a bound.
    pub(crate) connect_rate: Option<ConnectRate>,
    pub(crate) counters: Arc<Counters>,
    /// The bytes that wait for all clients.
    pub(crate) queue_budget: QueueBudget,
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
    /// How long a client has to answer an invocation.
    pub(crate) invocation_timeout: Duration,
}
