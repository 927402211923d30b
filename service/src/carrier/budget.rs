//! How many bytes may wait for all clients together.

use std::sync::Arc;

use crate::counters::Counters;

/// The bytes that wait for all clients of a service. Clones are one and the same.
#[derive(Clone, Debug)]
pub(crate) struct QueueBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    counters: Arc<Counters>,
}

impl QueueBudget {
    /// The bytes are counted in `counters`.
    pub(crate) fn new(limit: usize, counters: Arc<Counters>) -> Self {
        Self(Arc::new(Inner { limit, counters }))
    }

    /// Whether more bytes wait than may.
    pub(crate) fn is_over(&self) -> bool {
        self.0.counters.queued_bytes() > self.0.limit
    }

    /// The bytes of one queue, none yet.
    pub(super) fn share(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// The bytes of one queue, which count for all as long as they wait.
#[derive(Debug)]
pub(super) struct Share {
    budget: QueueBudget,
    bytes: usize,
}

impl Share {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.0.counters.bytes_queued(bytes);
    }

    pub(super) fn remove(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.0.counters.bytes_unqueued(bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.remove(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_counts_until_its_queue_is_gone() {
        let counters = Arc::new(Counters::default());
        let budget = QueueBudget::new(100, Arc::clone(&counters));
        let (mut one, mut other) = (budget.share(), budget.share());
        one.add(60);
        other.add(41);
        assert!(budget.is_over());
        one.remove(1);
        assert!(!budget.is_over());
        one.remove(1000);
        assert_eq!((one.bytes(), counters.queued_bytes()), (0, 41));
        drop(other);
        assert_eq!(counters.queued_bytes(), 0);
    }
}
