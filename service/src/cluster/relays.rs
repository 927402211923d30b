//! The queue for requests of clients that other nodes relay to this one.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::broker::{Broker, Frame, Kind};

/// How many requests may wait.
const WAITING: usize = 4096;
/// How many further places there are for requests that are given up. A request that is given up
/// must not take messages.
const GIVEN_UP: usize = 4096;

/// Takes the requests without waiting, because they must not delay other frames.
pub(crate) struct Relays {
    queue: mpsc::Sender<Frame>,
    /// The answer to a request for which there is no place.
    busy: Bytes,
}

impl Relays {
    /// Makes the queue. Returns its end too.
    pub(crate) fn new(busy: Bytes) -> (Self, mpsc::Receiver<Frame>) {
        let (queue, requests) = mpsc::channel(WAITING + GIVEN_UP);
        (Self { queue, busy }, requests)
    }

    /// Takes a request, or a report that a request is given up. If there is no place for a request,
    /// its node learns it at once.
    pub(super) fn take(&self, frame: Frame, broker: &Broker) {
        if let Some(refused) = self.queued(frame) {
            broker.answer(&refused, self.busy.clone());
        }
    }

    /// Puts a frame into the queue. Returns a request for which there is no place.
    fn queued(&self, frame: Frame) -> Option<Frame> {
        let is_request = frame.kind == Kind::Relay;
        if is_request && self.queue.capacity() <= GIVEN_UP {
            return Some(frame);
        }
        match self.queue.try_send(frame) {
            Err(mpsc::error::TrySendError::Full(frame)) if is_request => Some(frame),
            // Nothing waits for the answer, or the service is ending.
            Ok(()) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::NodeId;

    fn frame(kind: Kind, question: u64) -> Frame {
        let body = Bytes::new();
        Frame {
            kind,
            is_for_all: false,
            origin: NodeId::parse("00000000000000aa").unwrap(),
            sent: 0,
            question,
            body,
        }
    }

    #[tokio::test]
    async fn a_request_without_a_place_is_returned_and_one_that_is_given_up_has_a_place() {
        let (relays, mut requests) = Relays::new(Bytes::new());
        for question in 1..=WAITING as u64 {
            assert_eq!(relays.queued(frame(Kind::Relay, question)), None);
        }
        let refused = relays.queued(frame(Kind::Relay, 7000)).unwrap();
        assert_eq!(refused.question, 7000);
        assert_eq!(relays.queued(frame(Kind::Cancel, 1)), None);
        for question in 1..=WAITING as u64 {
            assert_eq!(requests.recv().await.unwrap().question, question);
        }
        assert_eq!(requests.recv().await.unwrap().kind, Kind::Cancel);
    }
}
