//! What every request handler of a service shares.

use std::{sync::Arc, time::Duration};

use signalr_serverless::{ConnectionId, HubName};
use tokio::{sync::oneshot, time::sleep};

use crate::{
    admission::{Admission, Calls},
    app_server::AppServers,
    auth::{KeyRing, Verifier},
    budget::QueueBudget,
    clock::Clock,
    cluster::Cluster,
    connect_rate::ConnectRate,
    counters::Counters,
    drain::{Drain, Stage},
    hub::{Hubs, Stopping},
    timings::Timings,
    tokens::ConnectionTokens,
    trace::Trace,
};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Arc<Hubs>,
    /// This node and the others, if there are others.
    pub(crate) cluster: Cluster,
    /// The app servers that are connected.
    pub(crate) app_servers: Arc<AppServers>,
    pub(crate) tokens: ConnectionTokens,
    pub(crate) admission: Admission,
    pub(crate) calls: Calls,
    /// How many clients may connect in a second, if there is a bound.
    pub(crate) connect_rate: Option<ConnectRate>,
    /// The bytes that wait for all clients.
    pub(crate) queue_budget: QueueBudget,
    pub(crate) verifier: Verifier,
    pub(crate) keys: KeyRing,
    /// Whether paths and versions of calls may be those of asrs-emulator.
    pub(crate) is_lenient: bool,
    /// Whether anybody upstream is told what clients do.
    pub(crate) has_upstream: bool,
    /// The largest message that a client may send, in bytes.
    pub(crate) max_client_message: usize,
    /// The most bytes that may wait for one client, or for one server connection.
    pub(crate) max_queued: usize,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    pub(crate) timings: Arc<Timings>,
    /// Who watches what happens.
    pub(crate) trace: Trace,
    /// The scheme that callers use who come without a proxy.
    pub(crate) scheme: &'static str,
    /// How far the service is.
    pub(crate) stage: Stage,
    /// How long a client has to answer an invocation.
    pub(crate) invocation_timeout: Duration,
}

impl State {
    /// The open connection of a hub that the secret token of a negotiation belongs to. In a cluster it may
    /// have ended.
    pub(crate) fn open_connection(&self, token: &str, hub: &HubName) -> Option<ConnectionId> {
        match &self.cluster {
            Cluster::Alone(_) => self.tokens.open_connection(token, hub),
            Cluster::Joined(_) => self.keys.current().connection.connection(token),
        }
    }

    /// Refuses a new connection of a client once clients are told to come back.
    pub(crate) fn open_for_clients(&self) -> Result<(), Stopping> {
        if self.stage.admits() {
            return Ok(());
        }
        self.counters.refused_at_end();
        Err(Stopping)
    }

    /// Goes through the steps of the end. `told` is told when every client was.
    pub(crate) async fn drain(&self, drain: Drain, told: oneshot::Sender<()>) {
        self.stage.leave();
        tracing::info!("the service is shutting down");
        self.trace.end();
        if !drain.delay.is_zero() {
            sleep(drain.delay).await;
        }
        self.stage.close();
        self.hubs.close_over(drain.spread).await;
        // The task that waited for it was dropped with everything else.
        let _ = told.send(());
        // Clients end their long polls by requests, so these are still answered.
        self.hubs.stop().await;
        // Apps were told that their clients are gone.
        self.app_servers.stop();
    }
}
