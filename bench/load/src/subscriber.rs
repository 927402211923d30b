//! A connection that gets messages and checks that each comes once and in order.

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    time::Instant,
};

use mio::net::TcpStream;

use crate::{
    carrier::{Asked, Carrier},
    dialect::Dialect,
    message::{Format, Record, Stamp},
    recipients::Recipients,
    tally::Tally,
    websocket::{self, Input},
};

#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) socket: TcpStream,
    carrier: Carrier,
    /// Its number among all clients.
    number: usize,
    received: Received,
    pub(crate) is_open: bool,
}

/// The messages that were sent, and their recipients. Subscribers compare their messages with it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) format: Format,
    pub(crate) recipients: Recipients,
    /// The start of the load's clock.
    pub(crate) start: Instant,
    /// For each sent message, a number: all messages below it had been answered before the send.
    pub(crate) answered_before: Vec<u64>,
}

/// The messages that have come.
#[derive(Debug)]
struct Received {
    /// One bit for each message.
    seen: Vec<u64>,
    /// If a message with a lower number comes now, it comes late: a message that was sent after its
    /// answer has already come.
    earliest: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    InOrder,
    Late,
    Duplicate,
}

impl Subscriber {
    pub(crate) fn new(socket: TcpStream, carrier: Carrier, number: usize, messages: usize) -> Self {
        Self { socket, carrier, number, received: Received::new(messages), is_open: true }
    }

    /// Reads all bytes that are there. `is_end` means that the server has ended its side.
    pub(crate) fn read(&mut self, buffer: &mut [u8], is_end: bool, sent: &Sent, tally: &mut Tally) {
        while self.is_open {
            match self.socket.read(buffer) {
                Ok(0) => self.end(tally, "the connection ended"),
                Ok(read) => {
                    self.take(&buffer[..read], sent, tally);
                    // There is one event for new bytes. If the buffer is not full, no bytes are left.
                    if read < buffer.len() && !is_end {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end(tally, &error.to_string()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], sent: &Sent, tally: &mut Tally) {
        let now = micros(sent.start, Instant::now());
        let Self { socket, carrier, received, number, .. } = self;
        let mut end = None;
        let fed = carrier.feed(bytes, |input| match input {
            Input::Record(record) => match sent.format.read(record) {
                Record::Message(stamp) if !sent.recipients.include(*number, stamp.sequence) => {
                    tally.damaged += 1;
                }
                Record::Message(stamp) => received.count(stamp, now, sent, tally),
                Record::Damaged => tally.damaged += 1,
                Record::Close(error) => tally.note_close_reason(error),
                Record::Other => {}
            },
            // If the socket accepts no pong, the next read finds out.
            Input::Ping(payload) => drop(socket.write(&websocket::pong(payload))),
            Input::Close(reason) => end = Some(reason),
        });
        let polled = match fed {
            Ok(Asked::Nothing) => Ok(()),
            Ok(Asked::Poll(request)) => poll(socket, request),
            Err(problem) => Err(problem),
        };
        if let Some(reason) = polled.err().or(end) {
            self.end(tally, &reason);
        }
    }

    /// Tells the server that this client is there, as stock clients do.
    pub(crate) fn ping(&mut self, dialect: Dialect) {
        if let (Carrier::WebSocket(_), Some(ping)) = (&self.carrier, dialect.ping()) {
            // If the socket accepts no ping, the next read finds out.
            let _ = self.socket.write(&websocket::data(dialect.framing(), ping));
        }
    }

    fn end(&mut self, tally: &mut Tally, reason: &str) {
        self.is_open = false;
        // The server may wait until the client ends its side.
        let _ = self.socket.shutdown(Shutdown::Both);
        tally.closed += 1;
        tally.note_close_reason(reason.to_owned());
    }
}

fn poll(socket: &mut TcpStream, request: &[u8]) -> Result<(), String> {
    match socket.write(request) {
        Ok(written) if written == request.len() => Ok(()),
        // Nothing else waits in the socket, so it has room for a request.
        Ok(_) => Err("the socket accepted only a part of a poll".to_owned()),
        Err(error) => Err(format!("no poll could be sent: {error}")),
    }
}

impl Received {
    fn new(messages: usize) -> Self {
        Self { seen: vec![0; messages.div_ceil(64)], earliest: 0 }
    }

    fn count(&mut self, stamp: Stamp, now: u64, sent: &Sent, tally: &mut Tally) {
        let index = usize::try_from(stamp.sequence).unwrap_or(usize::MAX);
        let Some(answered_before) = sent.answered_before.get(index) else {
            tally.damaged += 1;
            return;
        };
        match self.place(index, *answered_before) {
            Verdict::Duplicate => {
                tally.duplicates += 1;
                return;
            }
            Verdict::Late => tally.order_violations += 1,
            Verdict::InOrder => {}
        }
        tally.delivered += 1;
        tally.latency.saturating_record(now.saturating_sub(stamp.sent));
    }

    fn place(&mut self, index: usize, answered_before: u64) -> Verdict {
        let (word, bit) = (&mut self.seen[index / 64], 1_u64 << (index % 64));
        if *word & bit != 0 {
            return Verdict::Duplicate;
        }
        *word |= bit;
        let is_late = (index as u64) < self.earliest;
        self.earliest = self.earliest.max(answered_before);
        if is_late { Verdict::Late } else { Verdict::InOrder }
    }
}

/// A moment in µs since `start`.
pub(crate) fn micros(start: Instant, moment: Instant) -> u64 {
    u64::try_from(moment.saturating_duration_since(start).as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(order: &[(usize, u64)]) -> Vec<Verdict> {
        let mut received = Received::new(100);
        order.iter().map(|(index, before)| received.place(*index, *before)).collect()
    }

    #[test]
    fn what_was_answered_before_comes_before() {
        use Verdict::{Duplicate, InOrder, Late};
        // One at a time: the numbers themselves are the order.
        assert_eq!(verdicts(&[(0, 0), (2, 2), (1, 1), (3, 3)]), [InOrder, InOrder, Late, InOrder]);
        // Two in flight: either may come first.
        assert_eq!(verdicts(&[(1, 0), (0, 0), (2, 2)]), [InOrder, InOrder, InOrder]);
        assert_eq!(verdicts(&[(70, 70), (70, 70), (80, 80)]), [InOrder, Duplicate, InOrder]);
    }
}
