//! The receiver of all messages from the broker. Answers go to the callers that wait for them, and
//! all other frames go into one bounded queue.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    clock::BrokerClock,
    connection_mark::ConnectionMark,
    counts::Counts,
    frame::{Frame, Kind},
    health::Health,
    missed::Missed,
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
    /// The connection that receives frames. Held for short synchronous sections only.
    connection: Mutex<ConnectionMark>,
    missed: Arc<Missed>,
    /// How many frames were dropped.
    left_out: AtomicU64,
}

/// The waiting frames, in order.
pub(super) struct Waiting {
    queue: mpsc::Receiver<Queued>,
    /// How many frames were taken.
    taken: u64,
    missed: Arc<Missed>,
}

/// What came from other nodes.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// One frame or more, in order.
    Frames(Vec<Frame>),
    /// This node may have missed changes that the store has.
    Missed,
}

impl Waiting {
    /// Waits for the next frames, and takes at most so many; `None` if no more can come.
    pub(super) async fn next(&mut self, most: usize) -> Option<Incoming> {
        loop {
            if self.missed.take(self.taken) {
                return Some(Incoming::Missed);
            }
            let mut queued = Vec::new();
            tokio::select! {
                count = self.queue.recv_many(&mut queued, most) => {
                    self.taken = self.taken.saturating_add(count as u64);
                    let frames = queued.into_iter().map(Queued::taken).collect();
                    return (count > 0).then_some(Incoming::Frames(frames));
                }
                () = self.missed.raised() => {}
            }
        }
    }
}

/// A frame that waits. Its bytes count until it is dropped.
struct Queued {
    frame: Frame,
    bytes: Arc<AtomicUsize>,
}

impl Queued {
    /// The frame. It does not wait any more.
    fn taken(mut self) -> Frame {
        self.bytes.fetch_sub(self.frame.body.len(), Relaxed);
        // What is left of this has no bytes to count.
        let body = std::mem::take(&mut self.frame.body);
        Frame { body, ..self.frame }
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
    ) -> (Self, Waiting) {
        let (queue, frames) = mpsc::channel(WAITING);
        let missed = Arc::<Missed>::default();
        let waiting = Waiting { queue: frames, taken: 0, missed: Arc::clone(&missed) };
        let inbox = Self(Arc::new(Inner {
            node,
            questions,
            health,
            clock,
            counts,
            queue,
            bytes: Arc::default(),
            connection: Mutex::default(),
            missed,
            left_out: AtomicU64::new(0),
        }));
        (inbox, waiting)
    }

    /// Takes a frame. It never waits.
    pub(super) fn take(&self, bytes: Bytes) {
        let length = bytes.len();
        let Ok(frame) = Frame::decode(bytes) else { return self.leave_out() };
        let is_own = frame.origin == self.0.node;
        if !is_own {
            self.0.counts.received(length);
        }
        match frame.kind {
            Kind::Answer => {
                return self.0.questions.answer(frame.question, frame.origin, frame.body);
            }
            Kind::Hello | Kind::Bye if is_own => return,
            Kind::Hello => return self.0.health.appeared(frame.origin, frame.question != 0),
            Kind::Bye => return self.0.health.gone(frame.origin),
            _ => {}
        }
        if is_own && !frame.is_for_all {
            // This node has answered its own question before it asked the others.
            if frame.question != 0 {
                self.0.questions.answer(frame.question, frame.origin, Bytes::new());
            }
            return;
        }
        // A change that the store already has is never too late.
        if !frame.is_for_all && self.0.clock.now() > frame.sent.saturating_add(OLDEST) {
            return self.leave_out();
        }
        let is_kept = frame.is_for_all;
        let before = self.0.bytes.fetch_add(frame.body.len(), Relaxed);
        let queued = Queued { frame, bytes: Arc::clone(&self.0.bytes) };
        if before <= WAITING_BYTES && self.0.queue.try_send(queued).is_ok() {
            return self.0.missed.queued();
        }
        self.leave_out();
        if is_kept {
            // The store has the change, so the store can be asked for it.
            self.0.missed.raise();
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
    pub(super) fn connected(&self, connection: ConnectionMark) {
        *self.0.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    pub(super) fn connection(&self) -> ConnectionMark {
        self.0.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that all subscriptions were made again, and that frames were missed before.
    pub(super) fn resubscribed(&self) {
        self.0.missed.raise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_for_which_there_is_no_room_is_asked_for_after_the_waiting_frames() {
        let (counts, clock) = (Counts::default(), BrokerClock::default());
        let health = Health::new(counts.clone());
        let (inbox, mut waiting) =
            Inbox::new(NodeId(1), Questions::default(), health, clock.clone(), counts);
        let change = Frame {
            kind: Kind::Command,
            is_for_all: true,
            origin: NodeId(2),
            sent: clock.now(),
            question: 0,
            body: Bytes::new(),
        };
        for _ in 0..WAITING {
            inbox.take(change.encode());
        }
        assert_eq!(inbox.left_out(), 0);
        inbox.take(Frame { is_for_all: false, ..change.clone() }.encode());
        inbox.take(change.encode());
        assert_eq!(inbox.left_out(), 2);
        let mut taken = 0;
        while taken < WAITING {
            let Some(Incoming::Frames(frames)) = waiting.next(100).await else { panic!("{taken}") };
            taken += frames.len();
        }
        assert!(matches!(waiting.next(100).await, Some(Incoming::Missed)));
        inbox.take(change.encode());
        assert!(matches!(waiting.next(100).await, Some(Incoming::Frames(_))));
    }
}
