//! The state that the event queues of all connections share.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::watch};

use super::{call::Calls, replies::Replies, settings::Settings};
use crate::counters::Counters;

pub(super) struct Deliveries {
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) calls: Calls,
    pub(super) replies: Replies,
    pub(super) counters: Arc<Counters>,
    /// The runtime of event queues, so that none runs on a shard.
    pub(super) runtime: Handle,
    /// Counts the event queues that have events.
    pub(super) busy: watch::Sender<usize>,
}

impl Deliveries {
    /// Counts and logs an event that was left out because there was no room.
    pub(super) fn left_out(&self, hub: &str, event: &str) {
        self.counters.event_left_out();
        let bytes = self.calls.places.bytes();
        tracing::warn!(
            hub,
            event,
            bytes,
            "too much waits for the upstream: this is not reported to it"
        );
    }
}

/// Counts one event queue as busy until it is dropped.
pub(super) struct Busy(Arc<Deliveries>);

impl Busy {
    pub(super) fn begin(deliveries: Arc<Deliveries>) -> Self {
        deliveries.busy.send_modify(|busy| *busy = busy.saturating_add(1));
        Self(deliveries)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy = busy.saturating_sub(1));
    }
}
