//! What the service counts while it runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use signalr_http_server::{SocketCounts, SocketPlaces};

use crate::refused::Refused;

/// Counts since the service started.
#[derive(Debug, Default)]
pub struct Counters {
    opened: AtomicU64,
    closed: AtomicU64,
    slow_clients: AtomicU64,
    connections_refused: AtomicU64,
    connects_refused: AtomicU64,
    sockets: Arc<SocketPlaces>,
    calls_refused: AtomicU64,
    queued_bytes: AtomicUsize,
    events_left_out: AtomicU64,
    answers_left_out: AtomicU64,
    refused_at_end: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
}

impl Counters {
    /// Transports that are open now, whether their handshake is done or not.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.opened.load(Relaxed).saturating_sub(self.closed.load(Relaxed))
    }

    /// Clients that were closed because they read slower than messages came.
    #[must_use]
    pub fn slow_clients_closed(&self) -> u64 {
        self.slow_clients.load(Relaxed)
    }

    /// The sockets of clients and of REST callers: how many are open, and how many were refused.
    #[must_use]
    pub fn sockets(&self) -> SocketCounts {
        self.sockets.counts()
    }

    /// Clients that were refused because more connected than may in a second.
    #[must_use]
    pub fn connects_refused(&self) -> u64 {
        self.connects_refused.load(Relaxed)
    }

    /// Connections that were refused because there were as many as there may be, in all or of one
    /// user.
    #[must_use]
    pub fn connections_refused(&self) -> u64 {
        self.connections_refused.load(Relaxed)
    }

    /// REST calls that were refused because as many as may were under way.
    #[must_use]
    pub fn calls_refused(&self) -> u64 {
        self.calls_refused.load(Relaxed)
    }

    /// Bytes that are held now for clients: what waits for those that read slower than messages come,
    /// what is kept for a reconnect, and messages that came in part.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Relaxed)
    }

    /// Counts of a service with these places for sockets.
    pub(crate) fn of(sockets: Arc<SocketPlaces>) -> Self {
        Self { sockets, ..Self::default() }
    }

    pub(crate) fn places(&self) -> Arc<SocketPlaces> {
        Arc::clone(&self.sockets)
    }

    pub(crate) fn connect_refused(&self) {
        self.connects_refused.fetch_add(1, Relaxed);
    }

    /// Events and calls of clients that no upstream was told of, because too much waited for all.
    #[must_use]
    pub fn upstream_events_left_out(&self) -> u64 {
        self.events_left_out.load(Relaxed)
    }

    /// Answers of upstreams that no client got, because there was no room for them beside those of
    /// others, or because the client's node could not be reached.
    #[must_use]
    pub fn upstream_answers_left_out(&self) -> u64 {
        self.answers_left_out.load(Relaxed)
    }

    pub(crate) fn answer_left_out(&self) {
        self.answers_left_out.fetch_add(1, Relaxed);
    }

    pub(crate) fn event_left_out(&self) {
        self.events_left_out.fetch_add(1, Relaxed);
    }

    pub(crate) fn bytes_queued(&self, bytes: usize) {
        self.queued_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn bytes_unqueued(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Relaxed);
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn call_refused(&self) {
        self.calls_refused.fetch_add(1, Relaxed);
    }

    /// Clients that wanted to connect while the service was ending.
    #[must_use]
    pub fn clients_refused_at_end(&self) -> u64 {
        self.refused_at_end.load(Relaxed)
    }

    pub(crate) fn refused_at_end(&self) {
        self.refused_at_end.fetch_add(1, Relaxed);
    }

    /// A client was refused.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused[reason as usize].fetch_add(1, Relaxed);
    }

    /// How many clients were refused for a reason.
    pub(crate) fn refused_for(&self, reason: Refused) -> u64 {
        self.refused[reason as usize].load(Relaxed)
    }

    /// Transports that came about since the start.
    pub(crate) fn made(&self) -> u64 {
        self.opened.load(Relaxed)
    }

    pub(crate) fn connection_opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.closed.fetch_add(1, Relaxed);
    }

    pub(crate) fn slow_client_closed(&self) {
        self.slow_clients.fetch_add(1, Relaxed);
    }
}
