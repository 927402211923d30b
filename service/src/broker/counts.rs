//! The counts of a node about its broker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Counters that only rise, and the last lag. All clones share the same values.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    asked: AtomicU64,
    unanswered: AtomicU64,
    reconnects: AtomicU64,
    lag: AtomicU64,
}

/// The state of a node's connection to its broker.
#[derive(Clone, Debug)]
pub(crate) struct BrokerReport {
    pub(crate) is_up: bool,
    /// The commands that were sent, with their bytes. Most of them are frames.
    pub(crate) sent: u64,
    pub(crate) sent_bytes: u64,
    /// The frames of other nodes that were received, with their bytes.
    pub(crate) received: u64,
    pub(crate) received_bytes: u64,
    /// The frames that were dropped: too old, too many, or unreadable.
    pub(crate) left_out: u64,
    /// The questions to other nodes, and how many of them were not answered in time.
    pub(crate) asked: u64,
    pub(crate) unanswered: u64,
    /// How often the broker came back.
    pub(crate) reconnects: u64,
    /// How long the broker took for the last beat of this node.
    pub(crate) lag: Duration,
    /// How many commands wait for the broker, and their bytes.
    pub(crate) outbox: (usize, usize),
    /// How many frames wait for the shards, and their bytes.
    pub(crate) inbox: (usize, usize),
}

impl Counts {
    pub(super) fn sent(&self, bytes: usize) {
        self.0.sent.fetch_add(1, Relaxed);
        self.0.sent_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.0.received.fetch_add(1, Relaxed);
        self.0.received_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn asked(&self) {
        self.0.asked.fetch_add(1, Relaxed);
    }

    pub(super) fn unanswered(&self) {
        self.0.unanswered.fetch_add(1, Relaxed);
    }

    pub(super) fn came_back(&self) {
        self.0.reconnects.fetch_add(1, Relaxed);
    }

    pub(super) fn lag(&self, lag: Duration) {
        self.0.lag.store(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// The counts together with the values that are not counted here.
    pub(super) fn report(
        &self,
        is_up: bool,
        left_out: u64,
        outbox: (usize, usize),
        inbox: (usize, usize),
    ) -> BrokerReport {
        let Inner {
            sent,
            sent_bytes,
            received,
            received_bytes,
            asked,
            unanswered,
            reconnects,
            lag,
        } = &*self.0;
        BrokerReport {
            is_up,
            sent: sent.load(Relaxed),
            sent_bytes: sent_bytes.load(Relaxed),
            received: received.load(Relaxed),
            received_bytes: received_bytes.load(Relaxed),
            left_out,
            asked: asked.load(Relaxed),
            unanswered: unanswered.load(Relaxed),
            reconnects: reconnects.load(Relaxed),
            lag: Duration::from_micros(lag.load(Relaxed)),
            outbox,
            inbox,
        }
    }
}
