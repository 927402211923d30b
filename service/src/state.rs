//! What every request handler of a service shares.

use std::{sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::sleep};

use crate::{
    admission::{Admission, Calls},
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
};

/// The running service, as its handlers see it.
pub(crate) struct State {
    pub(crate) hubs: Arc<Hubs>,
    /// This node and the others, if there are others.
    pub(crate) cluster: Cluster,
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
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    pub(crate) timings: Arc<Timings>,
    /// The scheme that callers use who come without a proxy.
    pub(crate) scheme: &'static str,
    /// How far the service is.
    pub(crate) stage: Stage,
    /// How long a client has to answer an invocation.
    pub(crate) invocation_timeout: Duration,
}

impl State {
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
        if !drain.delay.is_zero() {
            sleep(drain.delay).await;
        }
        self.stage.close();
        self.hubs.close_over(drain.spread).await;
        // The task that waited for it was dropped with everything else.
        let _ = told.send(());
        // Clients end their long polls by requests, so these are still answered.
        self.hubs.stop().await;
    }
}
