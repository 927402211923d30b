//! A message that is followed: when all shards are done with it, the log says how many got it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing::{Level, Span};

/// The deliveries of one command. It is dropped with the command, which is when the last shard has
/// carried it out; then the log says how many there were.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The call that the command came with.
    call: Span,
    deliveries: AtomicU64,
}

impl Followed {
    /// `None` unless the log has such lines: else deliveries cost nothing more.
    pub(crate) fn begin() -> Option<Self> {
        tracing::enabled!(Level::INFO)
            .then(|| Self { call: Span::current(), deliveries: AtomicU64::new(0) })
    }

    /// Counts what one shard delivered.
    pub(crate) fn delivered(&self, deliveries: usize) {
        self.deliveries.fetch_add(deliveries as u64, Relaxed);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let deliveries = *self.deliveries.get_mut();
        self.call.in_scope(|| tracing::info!(deliveries, "a message was delivered"));
    }
}
