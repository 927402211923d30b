//! The messages that wait to be written to a server connection. Their bytes count in the bytes of
//! all queues.
//!
//! The bound of the queue is soft: bytes that a client has sent are accepted. But while the queue
//! is full, no clients are read. So each client can add only the bytes of one read of its socket.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
    task::Waker,
};

use signalr_server_protocol::Message;
use tokio::sync::{Notify, mpsc};

use crate::budget::{QueueBudget, Share};

/// How many messages are written together at most.
const BATCH: usize = 256;

/// The end of the queue for adding messages.
#[derive(Debug)]
pub(crate) struct AppQueue {
    sender: mpsc::UnboundedSender<Queued>,
    budget: QueueBudget,
    bytes: AtomicUsize,
    limit: usize,
    messages: AtomicU64,
    /// The bytes of an incomplete message of the app.
    partial: AtomicUsize,
    is_closed: AtomicBool,
    is_cut: AtomicBool,
    cut: Notify,
    /// The wakers of the clients that are not read until there is room, by the numbers of their
    /// seats.
    waiting: Mutex<HashMap<u64, Waker>>,
    room: Notify,
}

/// The end of the queue for writing messages. After it is dropped, the queue drops all messages.
#[derive(Debug)]
pub(crate) struct QueueEnd {
    receiver: mpsc::UnboundedReceiver<Queued>,
    queue: Arc<AppQueue>,
    batch: Vec<Queued>,
    /// The bytes that were returned by `next` and are not written yet.
    writing: Share,
}

/// A message that waits. An empty message is the end of the queue.
#[derive(Debug)]
struct Queued {
    bytes: Vec<u8>,
    share: Share,
}

impl AppQueue {
    /// Makes a queue that is full when it has `limit` bytes.
    pub(crate) fn new(limit: usize, budget: &QueueBudget) -> (Arc<Self>, QueueEnd) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Arc::new(Self {
            sender,
            budget: budget.clone(),
            bytes: AtomicUsize::new(0),
            limit,
            messages: AtomicU64::new(0),
            partial: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            cut: Notify::new(),
            waiting: Mutex::default(),
            room: Notify::new(),
        });
        let (batch, writing) = (Vec::new(), budget.share());
        let end = QueueEnd { receiver, queue: Arc::clone(&queue), batch, writing };
        (queue, end)
    }

    /// Adds a message.
    pub(crate) fn push(&self, message: impl Into<Message>) {
        let mut bytes = Vec::new();
        let message = message.into();
        if let Err(too_long) = message.encode(&mut bytes) {
            tracing::error!(message = message.name(), %too_long, "a message to an app is left out");
            return;
        }
        let length = bytes.len();
        self.bytes.fetch_add(length, SeqCst);
        self.messages.fetch_add(1, Relaxed);
        let mut share = self.budget.share();
        share.add(length);
        if self.sender.send(Queued { bytes, share }).is_err() {
            self.bytes.fetch_sub(length, SeqCst);
        }
    }

    /// Ends the queue after the waiting messages are written.
    pub(crate) fn end(&self) {
        // If the other end is gone, the queue has already ended.
        let _ = self.sender.send(Queued { bytes: Vec::new(), share: self.budget.share() });
    }

    /// Cuts the connection because too much waits. The waiting messages are dropped, and no more
    /// are accepted.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, SeqCst);
        self.cut.notify_one();
    }

    /// Waits until the connection is cut. The task of the server connection calls this.
    pub(crate) async fn until_cut(&self) {
        self.cut.notified().await;
    }

    /// Whether the connection was cut because too much waited.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(SeqCst)
    }

    /// Whether the clients that add messages should not be read now.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(SeqCst) >= self.limit && !self.is_closed.load(SeqCst)
    }

    /// How many messages were added.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Relaxed)
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(SeqCst)
    }

    /// Notes how many bytes of an incomplete message of the app have arrived.
    pub(crate) fn note_partial(&self, bytes: usize) {
        self.partial.store(bytes, SeqCst);
    }

    /// How many bytes are held because of this app, in both directions.
    pub(crate) fn held(&self) -> usize {
        self.bytes().saturating_add(self.partial.load(SeqCst))
    }

    /// Registers the waker of a client, which is called when there is room. Returns whether there
    /// is no room now.
    pub(crate) fn wait_for_room(&self, client: u64, waker: &Waker) -> bool {
        self.waiting().insert(client, waker.clone());
        let is_full = self.is_full();
        if !is_full {
            self.waiting().remove(&client);
        }
        is_full
    }

    /// Notes that a client has left this connection. Its task is woken and checks where the client
    /// is now.
    pub(crate) fn leave(&self, client: u64) {
        if let Some(waker) = self.waiting().remove(&client) {
            waker.wake();
        }
    }

    /// Waits for room.
    pub(crate) async fn room(&self) {
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            if !self.is_full() {
                return;
            }
            room.await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_of_room(&self) {
        let wakers = std::mem::take(&mut *self.waiting());
        wakers.into_values().for_each(Waker::wake);
        self.room.notify_waiters();
    }
}

impl QueueEnd {
    /// Waits for messages and returns their bytes. `None` if no more messages can come.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        if self.receiver.recv_many(&mut self.batch, BATCH).await == 0 {
            return None;
        }
        if self.batch.iter().any(|one| one.bytes.is_empty()) {
            self.close();
        }
        let mut bytes = Vec::new();
        for one in self.batch.drain(..) {
            self.writing.absorb(one.share);
            if bytes.is_empty() {
                bytes = one.bytes;
            } else {
                bytes.extend_from_slice(&one.bytes);
            }
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Notes that the returned bytes are written.
    pub(crate) fn written(&mut self) {
        let was_full = self.queue.is_full();
        self.queue.bytes.fetch_sub(self.writing.bytes(), SeqCst);
        self.writing.set(0);
        if was_full && !self.queue.is_full() {
            self.queue.tell_of_room();
        }
    }

    /// Accepts no more messages. The messages in the queue can still be read.
    pub(crate) fn close(&mut self) {
        self.receiver.close();
        self.queue.is_closed.store(true, SeqCst);
        self.queue.tell_of_room();
    }
}

impl Drop for QueueEnd {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use signalr_server_protocol::Ping;

    use super::*;
    use crate::counters::Counters;

    #[tokio::test]
    async fn who_waits_for_room_gets_it_when_bytes_were_written() {
        let counters = Arc::new(Counters::default());
        let budget = QueueBudget::new(100, Arc::clone(&counters));
        let (queue, mut end) = AppQueue::new(3, &budget);
        queue.push(Ping::keep_alive());
        assert!(queue.is_full() && queue.room().now_or_never().is_none());
        assert!(queue.wait_for_room(1, Waker::noop()));
        let bytes = end.next().await.unwrap();
        assert!(queue.is_full(), "what is being written waits too");
        assert_eq!(counters.queued_bytes(), bytes.len());
        end.written();
        assert_eq!(counters.queued_bytes(), 0);
        queue.room().now_or_never().unwrap();
        assert!(queue.waiting().is_empty() && queue.bytes() == 0);
    }

    #[tokio::test]
    async fn a_queue_without_its_end_holds_nobody_up() {
        let counters = Arc::new(Counters::default());
        let (queue, end) = AppQueue::new(0, &QueueBudget::new(100, Arc::clone(&counters)));
        queue.push(Ping::keep_alive());
        assert!(queue.wait_for_room(1, Waker::noop()) && counters.queued_bytes() > 0);
        drop(end);
        queue.push(Ping::keep_alive());
        assert_eq!(counters.queued_bytes(), 0);
        assert!(!queue.is_full() && queue.waiting().is_empty());
        assert!(!queue.wait_for_room(1, Waker::noop()) && queue.waiting().is_empty());
    }
}
