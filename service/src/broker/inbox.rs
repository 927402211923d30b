//! The receiver of all messages from the broker. Answers go to the callers that wait for them, and
//! all other frames go into one bounded queue.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, mpsc};

use super::{
    clock::BrokerClock,
    counts::Counts,
    frame::{Frame, Kind},
    health::Health,
    node::NodeId,
    questions::Questions,
};

/// How many frames may wait.
const WAITING: usize = 65_536;
/// How many bytes of frames may wait.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// A frame that is older than this many milliseconds comes too late.
const OLDEST: u64 = 2_000;

/// Receives the messages of the broker. All clones share the same state.
#[derive(Clone)]
pub(super) struct Inbox(Arc<Inner>);

struct Inner {
    node: NodeId,
    questions: Questions,
    health: Health,
    clock: BrokerClock,
    counts: Counts,
    queue: mpsc::Sender<Queued>,
    /// How many bytes wait.
    bytes: Arc<AtomicUsize>,
    /// The broker's number for the connection that receives frames.
    connection: AtomicU64,
    lost: Notify,
    resubscribed: Notify,
    /// The same as `resubscribed`, for the task that takes the frames.
    missed: Arc<Notify>,
    /// How many frames were dropped.
    left_out: AtomicU64,
    /// The nodes that were running before the broker was lost, and have sent no Hello since.
    missing: Mutex<HashSet<NodeId>>,
}

/// A frame that waits. Its bytes count until it is dropped.
pub(crate) struct Queued {
    frame: Frame,
    bytes: Arc<AtomicUsize>,
}

impl Queued {
    /// The frame. It does not wait any more.
    pub(crate) fn taken(self) -> Frame {
        self.frame.clone()
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.frame.body.len(), Relaxed);
    }
}

impl Inbox {
    pub(super) fn new(
        node: NodeId,
        questions: Questions,
        health: Health,
        clock: BrokerClock,
        counts: Counts,
    ) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, frames) = mpsc::channel(WAITING);
        let inbox = Self(Arc::new(Inner {
            node,
            questions,
            health,
            clock,
            counts,
            queue,
            bytes: Arc::default(),
            connection: AtomicU64::new(0),
            lost: Notify::new(),
            resubscribed: Notify::new(),
            missed: Arc::default(),
            left_out: AtomicU64::new(0),
            missing: Mutex::default(),
        }));
        (inbox, frames)
    }

    /// Takes a message of the connection for subscriptions. It never waits.
    pub(super) fn take(&self, push: PushInfo) {
        match push.kind {
            PushKind::Disconnection => self.0.lost.notify_one(),
            PushKind::Message => {
                if let Some(Value::BulkString(payload)) = push.data.into_iter().nth(1) {
                    self.take_frame(payload.into());
                }
            }
            _ => {}
        }
    }

    fn take_frame(&self, bytes: Bytes) {
        let length = bytes.len();
        let Ok(frame) = Frame::decode(bytes) else { return self.leave_out() };
        let is_own = frame.origin == self.0.node;
        if !is_own {
            self.0.counts.received(length);
        }
        match frame.kind {
            Kind::Answer => return self.0.questions.answer(frame.question, frame.body),
            Kind::Hello => return self.appeared(frame.origin),
            Kind::Bye => return self.gone(frame.origin),
            _ => {}
        }
        if is_own && !frame.is_for_all {
            // This node has answered its own question before it asked the others.
            if frame.question != 0 {
                self.0.questions.answer(frame.question, Bytes::new());
            }
            return;
        }
        // A change that the store already has is never too late.
        if !frame.is_for_all && self.0.clock.now() > frame.sent.saturating_add(OLDEST) {
            return self.leave_out();
        }
        let before = self.0.bytes.fetch_add(frame.body.len(), Relaxed);
        let queued = Queued { frame, bytes: Arc::clone(&self.0.bytes) };
        if before > WAITING_BYTES || self.0.queue.try_send(queued).is_err() {
            self.leave_out();
        }
    }

    /// How many frames wait, and their bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let places = self.0.queue.max_capacity().saturating_sub(self.0.queue.capacity());
        (places, self.0.bytes.load(Relaxed))
    }

    /// How many frames were dropped.
    pub(super) fn left_out(&self) -> u64 {
        self.0.left_out.load(Relaxed)
    }

    fn leave_out(&self) {
        let before = self.0.left_out.fetch_add(1, Relaxed);
        if before == 0 {
            tracing::warn!(
                "a frame of another node was left out: too old, too many, or unreadable"
            );
        }
    }

    /// Notes that frames arrive on another connection from now on.
    pub(super) fn connected(&self, connection: u64) {
        self.0.connection.store(connection, Relaxed);
    }

    pub(super) fn connection(&self) -> u64 {
        self.0.connection.load(Relaxed)
    }

    /// Waits for the end of the connection.
    pub(super) async fn lost(&self) {
        self.0.lost.notified().await;
    }

    /// Reports that all subscriptions were made again.
    pub(super) fn resubscribed(&self) {
        self.0.resubscribed.notify_one();
        self.0.missed.notify_one();
    }

    /// Is notified when frames may have been missed.
    pub(super) fn missed(&self) -> Arc<Notify> {
        Arc::clone(&self.0.missed)
    }

    /// Waits until all subscriptions were made again.
    pub(super) async fn was_resubscribed(&self) {
        self.0.resubscribed.notified().await;
    }

    /// Notes the nodes whose Hello is expected after the broker was lost.
    pub(super) fn expect(&self, nodes: impl IntoIterator<Item = NodeId>) {
        *self.missing() = nodes.into_iter().collect();
        self.settle();
    }

    /// Notes that a node is running and has its subscriptions.
    fn appeared(&self, node: NodeId) {
        self.missing().remove(&node);
        self.settle();
    }

    /// Notes that a node is gone, so that nothing waits for it.
    pub(super) fn gone(&self, node: NodeId) {
        self.appeared(node);
    }

    fn settle(&self) {
        if self.missing().is_empty() {
            self.0.health.settled();
        }
    }

    fn missing(&self) -> MutexGuard<'_, HashSet<NodeId>> {
        self.0.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
