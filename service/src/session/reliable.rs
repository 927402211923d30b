//! Stateful reconnect: sent frames are kept until the client acknowledges them. A client that lost
//! its transport then continues at the same place.
//!
//! Messages of types 1 to 5 have numbers from 1, one count for each direction, which continue over
//! a reconnect. Source: `HubProtocol.md` and `TransportProtocols.md` of ASP.NET Core. If its
//! clients differ from these, the clients are right.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    budget::{QueueBudget, Share},
    protocol::ProtocolError,
};

/// The state of both directions of one connection.
#[derive(Debug)]
pub(super) struct Reliable {
    /// The frames that the client has not acknowledged, in order.
    kept: VecDeque<Sent>,
    /// The bytes of the frames.
    share: Share,
    /// The number of the last message sent.
    sent: u64,
    /// The number of the last message received.
    received: u64,
    /// The number of the next message, while a client that resumed repeats messages.
    next: Option<u64>,
    /// Whether the client resumed and has not yet sent the number of its next message.
    awaits_sequence: bool,
}

/// A frame that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) frame: Bytes,
    /// The number of the first message in the frame.
    pub(crate) first: u64,
    /// The number of the last message in the frame.
    pub(crate) last: u64,
}

impl Reliable {
    pub(super) fn new(budget: &QueueBudget) -> Self {
        Self {
            kept: VecDeque::new(),
            share: budget.share(),
            sent: 0,
            received: 0,
            next: None,
            awaits_sequence: false,
        }
    }

    /// Keeps a frame with this many messages.
    pub(super) fn keep(&mut self, frame: &Bytes, messages: u32) {
        let first = self.sent + 1;
        self.sent += u64::from(messages);
        self.share.add(frame.len());
        self.kept.push_back(Sent { frame: frame.clone(), first, last: self.sent });
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.share.bytes()
    }

    /// The frames that the client has not acknowledged, and the number of the last message sent.
    pub(super) fn unacknowledged(&self) -> (Vec<Sent>, u64) {
        (self.kept.iter().cloned().collect(), self.sent)
    }

    /// Takes the frames and numbers of another node. All frames that were sent here come after
    /// them.
    pub(super) fn begin_with(&mut self, before: Vec<Sent>, sent: u64, received: u64) {
        for kept in &mut self.kept {
            kept.first = kept.first.saturating_add(sent);
            kept.last = kept.last.saturating_add(sent);
        }
        for kept in before.into_iter().rev() {
            self.share.add(kept.frame.len());
            self.kept.push_front(kept);
        }
        self.sent = self.sent.saturating_add(sent);
        self.received = received;
    }

    /// Removes the oldest frames beyond this many bytes. If a client resumes without having
    /// received them, it sees the gap in the numbers and ends the connection.
    pub(super) fn forget_beyond(&mut self, bytes: usize) {
        while self.share.bytes() > bytes && self.kept.len() > 1 {
            self.forget_first();
        }
    }

    /// Removes the frames that the client has. A number that was never sent is ignored.
    pub(super) fn acknowledge(&mut self, sequence_id: u64) {
        while self.kept.front().is_some_and(|kept| kept.last <= sequence_id) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.share.remove(kept.frame.len());
        }
    }

    /// Counts a message of the client. Returns whether it is new; `false` if it is repeated.
    pub(super) fn receive(&mut self) -> bool {
        if self.awaits_sequence {
            return false;
        }
        if let Some(next) = self.next {
            if next <= self.received {
                self.next = Some(next + 1);
                return false;
            }
            self.next = None;
        }
        self.received += 1;
        true
    }

    /// The number of the last message received, for an acknowledgement.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Starts again on another transport. Returns the number of the first frame to send again, and
    /// the frames.
    pub(super) fn resume(&mut self) -> (u64, Vec<Bytes>) {
        self.awaits_sequence = true;
        self.next = None;
        let first = self.kept.front().map_or(self.sent + 1, |kept| kept.first);
        (first, self.kept.iter().map(|kept| kept.frame.clone()).collect())
    }

    /// Accepts the number of the next message of a client that resumed.
    pub(super) fn sequence(&mut self, sequence_id: u64) -> Result<(), ProtocolError> {
        if sequence_id > self.received + 1 {
            return Err(ProtocolError::new(format!(
                "sequence {sequence_id} leaves a gap behind {}, the last message received",
                self.received
            )));
        }
        self.awaits_sequence = false;
        self.next = Some(sequence_id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn reliable() -> Reliable {
        Reliable::new(&QueueBudget::new(usize::MAX, Arc::default()))
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut reliable = reliable();
        reliable.keep(&frame("one"), 1);
        reliable.keep(&frame("two three"), 2);
        assert_eq!(reliable.kept_bytes(), 12);
        reliable.acknowledge(1);
        assert_eq!(reliable.resume(), (2, vec![frame("two three")]));
        reliable.acknowledge(2);
        assert_eq!(reliable.resume(), (2, vec![frame("two three")]));
        reliable.acknowledge(99);
        assert_eq!(reliable.resume(), (4, vec![]));
        reliable.keep(&frame("four"), 1);
        assert_eq!(reliable.kept_bytes(), 4);
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_the_newest_never() {
        let mut reliable = reliable();
        for text in ["one", "two", "three"] {
            reliable.keep(&frame(text), 1);
        }
        reliable.forget_beyond(8);
        assert_eq!(reliable.resume(), (2, vec![frame("two"), frame("three")]));
        reliable.forget_beyond(0);
        assert_eq!(reliable.resume(), (3, vec![frame("three")]));
    }

    #[test]
    fn what_a_client_repeats_is_taken_once() {
        let mut reliable = reliable();
        assert!(reliable.receive() && reliable.receive() && reliable.receive());
        reliable.resume();
        assert!(!reliable.receive(), "before the sequence nothing counts");
        reliable.sequence(2).unwrap();
        assert!(!reliable.receive() && !reliable.receive());
        assert!(reliable.receive());
        assert_eq!(reliable.received(), 4);
    }

    #[test]
    fn what_was_sent_at_another_node_comes_first() {
        let mut before = reliable();
        before.keep(&frame("one"), 1);
        before.keep(&frame("two three"), 2);
        before.acknowledge(1);
        assert!(before.receive());
        let (kept, sent) = before.unacknowledged();
        let mut after = reliable();
        after.keep(&frame("four"), 1);
        after.begin_with(kept, sent, before.received());
        assert_eq!(after.kept_bytes(), 13);
        assert_eq!(after.resume(), (2, vec![frame("two three"), frame("four")]));
        after.sequence(1).unwrap();
        assert!(!after.receive() && after.receive());
        after.acknowledge(3);
        assert_eq!(after.resume(), (4, vec![frame("four")]));
    }

    #[test]
    fn a_gap_is_an_error() {
        let mut reliable = reliable();
        assert!(reliable.receive());
        reliable.resume();
        assert!(reliable.sequence(3).is_err());
        assert!(reliable.sequence(2).is_ok());
        assert!(reliable.receive());
    }
}
