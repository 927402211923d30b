//! What the event queues of all connections share.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{call::Calls, replies::Replies, settings::Settings};
use crate::counters::Counters;

/// How long nothing is logged after an event that was left out was.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Deliveries {
    pub(super) settings: watch::Receiver<Settings>,
    pub(super) calls: Calls,
    pub(super) replies: Replies,
    pub(super) counters: Arc<Counters>,
    /// The bytes that wait in all event queues.
    pub(super) waiting_bytes: AtomicUsize,
    /// When an event was last logged as left out.
    pub(super) logged: Mutex<Option<Instant>>,
    /// Where event queues run, so that no shard does.
    pub(super) runtime: Handle,
    /// How many event queues have events.
    pub(super) busy: watch::Sender<usize>,
}

impl Deliveries {
    /// Whether so many bytes more may wait.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let waiting = self.waiting_bytes.load(Relaxed);
        waiting.saturating_add(bytes) <= self.calls.limits.waiting_bytes_in_all
    }

    /// Counts an event for which there was no room, and logs it, though not each of many.
    pub(super) fn left_out(&self, hub: &str, event: &str) {
        self.counters.event_left_out();
        let now = Instant::now();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|before| now.duration_since(before) >= PAUSE) {
            *logged = Some(now);
            let bytes = self.waiting_bytes.load(Relaxed);
            tracing::warn!(
                hub,
                event,
                bytes,
                "too much waits for the upstream: it is not told of this"
            );
        }
    }
}
