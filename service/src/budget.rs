//! How many bytes may be held for all clients and app servers together: what waits to be sent, what is
//! kept for a reconnect, and messages that are not whole yet.

use std::sync::Arc;

use bytes::Bytes;

use crate::counters::Counters;

/// The bytes that are held for all clients of a service. Clones are one and the same.
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

    /// The most bytes that may be held.
    pub(crate) fn limit(&self) -> usize {
        self.0.limit
    }

    /// Whether more bytes are held than may be.
    pub(crate) fn is_over(&self) -> bool {
        self.excess() > 0
    }

    /// How many bytes are held beyond what may be.
    pub(crate) fn excess(&self) -> usize {
        self.0.counters.queued_bytes().saturating_sub(self.0.limit)
    }

    /// Half of what each connection could hold if all held the same. Who holds less has no part in it
    /// if too much is held.
    pub(crate) fn fair_share(&self) -> usize {
        let connections = usize::try_from(self.0.counters.connections()).unwrap_or(usize::MAX);
        self.0.limit / 2 / connections.max(1)
    }

    /// The bytes of one holder, none yet.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// The bytes of one holder, which count for all as long as it has them.
#[derive(Debug)]
pub(crate) struct Share {
    budget: QueueBudget,
    bytes: usize,
}

impl Share {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.0.counters.bytes_queued(bytes);
    }

    pub(crate) fn remove(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.0.counters.bytes_unqueued(bytes);
    }

    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.add(bytes - self.bytes);
        } else {
            self.remove(self.bytes - bytes);
        }
    }

    /// Bytes that leave this holder, and count until nobody has them any more: the HTTP library keeps
    /// them until they are written.
    pub(crate) fn hand_over(&mut self, bytes: Bytes) -> Bytes {
        let share = self.split(bytes.len());
        Bytes::from_owner(HandedOver { bytes, _share: share })
    }

    /// Takes over what another holder has.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Gives this number of bytes to another holder.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { budget: self.budget.clone(), bytes }
    }
}

struct HandedOver {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for HandedOver {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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
        one.set(5);
        one.set(4);
        let handed_over = one.hand_over(Bytes::from_static(b"ab"));
        assert_eq!((one.bytes(), counters.queued_bytes()), (2, 45));
        let part = handed_over.slice(1..);
        drop(handed_over);
        assert_eq!(counters.queued_bytes(), 45, "part of it is still there");
        drop((part, one));
        assert_eq!((counters.queued_bytes(), budget.excess()), (41, 0));
        let mut both = budget.share();
        both.add(60);
        both.absorb(other);
        assert_eq!((both.bytes(), counters.queued_bytes(), budget.excess()), (101, 101, 1));
        drop(both);
        assert_eq!(counters.queued_bytes(), 0);
    }
}
