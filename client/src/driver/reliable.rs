//! Stateful reconnect: keeps sent messages until the server has them.
//!
//! Messages of types 1 to 5 have numbers from 1, one count for each direction, which continue over
//! a reconnect. Source: `HubProtocol.md` of ASP.NET Core, and its clients.

use std::collections::VecDeque;

use bytes::Bytes;

/// How many bytes may be kept. If more are kept, calls wait. Source: the default of stock clients.
const MOST_KEPT: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Reliable {
    /// The messages that the server has not acknowledged, in order.
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
    /// The number of the last message sent.
    sent: u64,
    /// The number of the last message received.
    received: u64,
    /// The last number that was acknowledged to the server.
    acknowledged: u64,
    /// The number of the next message, while a server that resumed repeats messages.
    next: Option<u64>,
    /// Whether the server still has to say with which number it continues.
    awaits_sequence: bool,
}

impl Reliable {
    pub(super) fn keep(&mut self, message: &Bytes) {
        self.sent += 1;
        self.kept_bytes += message.len();
        self.kept.push_back(message.clone());
    }

    pub(super) fn is_full(&self) -> bool {
        self.kept_bytes > MOST_KEPT
    }

    /// Removes the messages that the server has. A number that was never sent is ignored.
    pub(super) fn acknowledge(&mut self, number: u64) {
        while let Some(message) = self.kept.front()
            && self.first() <= number
        {
            self.kept_bytes = self.kept_bytes.saturating_sub(message.len());
            self.kept.pop_front();
        }
    }

    /// The number of the first message that is kept, or of the next one.
    fn first(&self) -> u64 {
        (self.sent + 1).saturating_sub(self.kept.len() as u64)
    }

    /// Starts again on another transport. Returns the number to continue with and the messages to
    /// repeat.
    pub(super) fn resume(&mut self) -> (u64, Vec<Bytes>) {
        self.awaits_sequence = true;
        self.next = None;
        (self.first(), self.kept.iter().cloned().collect())
    }

    /// Takes the number with which the server continues.
    pub(super) fn sequence(&mut self, number: u64) -> Result<(), String> {
        if number > self.received + 1 {
            return Err(format!(
                "the server goes on with message {number}, and the last that came is {}",
                self.received
            ));
        }
        self.awaits_sequence = false;
        self.next = Some(number);
        Ok(())
    }

    /// Counts a message of the server. Returns whether it is new; `false` if it is repeated.
    pub(super) fn receive(&mut self) -> bool {
        if self.awaits_sequence {
            return false;
        }
        if let Some(next) = self.next {
            self.next = Some(next + 1);
            if next <= self.received {
                return false;
            }
            self.next = None;
        }
        self.received += 1;
        true
    }

    /// The number to acknowledge, if there is a new one.
    pub(super) fn due_ack(&mut self) -> Option<u64> {
        if self.acknowledged == self.received {
            return None;
        }
        self.acknowledged = self.received;
        Some(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_is_repeated() {
        let mut reliable = Reliable::default();
        for text in ["one", "two", "three"] {
            reliable.keep(&Bytes::from(text));
        }
        reliable.acknowledge(1);
        assert_eq!(reliable.resume(), (2, vec![Bytes::from("two"), Bytes::from("three")]));
        reliable.acknowledge(99);
        assert_eq!(reliable.resume(), (4, vec![]));
        reliable.keep(&Bytes::from(vec![0; MOST_KEPT + 1]));
        assert!(reliable.is_full());
        reliable.acknowledge(4);
        assert!(!reliable.is_full());
    }

    #[test]
    fn what_the_server_repeats_is_taken_once() {
        let mut reliable = Reliable::default();
        assert!(reliable.receive() && reliable.receive() && reliable.receive());
        assert_eq!(reliable.due_ack(), Some(3));
        assert_eq!(reliable.due_ack(), None);
        reliable.resume();
        assert!(!reliable.receive(), "before the sequence nothing counts");
        assert!(reliable.sequence(5).is_err(), "a gap");
        reliable.sequence(2).unwrap();
        assert!(!reliable.receive() && !reliable.receive());
        assert!(reliable.receive());
        assert_eq!(reliable.due_ack(), Some(4));
    }
}
