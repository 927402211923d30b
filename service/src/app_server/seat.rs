//! A client's place on a server connection.

use std::sync::{Arc, atomic::Ordering::SeqCst};

use super::link::AppLink;

/// The place of one client on a server connection. The connection counts the client while this
/// exists.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) link: Arc<AppLink>,
    /// The number of the place. No other place ever gets this number.
    number: u64,
}

impl Seat {
    pub(super) fn take(link: Arc<AppLink>, number: u64) -> Self {
        link.clients.fetch_add(1, SeqCst);
        Self { link, number }
    }

    /// Whether the client must not be read now, because the queue is full. Its task is woken when
    /// there is room.
    pub(crate) fn is_full(&self, cx: &std::task::Context<'_>) -> bool {
        self.link.queue.is_full() && self.link.queue.wait_for_room(self.number, cx.waker())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.link.clients.fetch_sub(1, SeqCst);
        self.link.queue.leave(self.number);
    }
}
