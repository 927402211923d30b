//! The transports that carry records to a client: a WebSocket, an event stream, or answers to polls.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use memchr::memmem;

use crate::{
    dialect::Framing,
    failure::Failure,
    http::{self, Progress},
    websocket::{Decoder, Input, Records},
};

/// The field name in front of the text of an event. Source: the HTML standard, server-sent events.
const DATA: &[u8] = b"data: ";

#[derive(Debug)]
pub(crate) enum Carrier {
    WebSocket(Decoder),
    Events(Events),
    Polls(Polls),
}

/// An event stream. The heads of chunks and the ends of events are between the records.
#[derive(Debug, Default)]
pub(crate) struct Events {
    records: Records,
}

/// Polls over one connection, one after the other.
#[derive(Debug)]
pub(crate) struct Polls {
    request: Vec<u8>,
    answer: Vec<u8>,
    records: Records,
}

/// The bytes that the client must send next, after it has read some.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Nothing,
    /// To send the next poll.
    Poll(&'a [u8]),
}

impl Carrier {
    /// Takes the next bytes and calls `on_input` for each whole input in them.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        on_input: impl FnMut(Input<'_>),
    ) -> Result<Asked<'_>, String> {
        match self {
            Self::WebSocket(decoder) => decoder.feed(bytes, on_input).map(|()| Asked::Nothing),
            Self::Events(events) => events.feed(bytes, on_input).map(|()| Asked::Nothing),
            Self::Polls(polls) => polls.feed(bytes, on_input),
        }
    }
}

impl Events {
    fn feed(&mut self, bytes: &[u8], mut on_input: impl FnMut(Input<'_>)) -> Result<(), String> {
        self.records.feed(bytes, |record| {
            // Other fields may come before `data`; the client does not need them. A record without
            // `data` is damaged.
            let start = memmem::rfind(record, DATA).map_or(0, |at| at + DATA.len());
            on_input(Input::Record(&record[start..]));
        })
    }

    /// Reads until there is a record.
    pub(crate) fn first_record(
        &mut self,
        socket: &mut TcpStream,
        mut bytes: Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let end = Instant::now() + timeout;
        loop {
            let mut found = None;
            self.feed(&bytes, |input| {
                if let Input::Record(record) = input {
                    found.get_or_insert_with(|| record.to_vec());
                }
            })
            .map_err(Failure::server)?;
            if let Some(found) = found {
                return Ok(found);
            }
            bytes.clear();
            if http::read_more(socket, &mut bytes, end)? {
                return Err(Failure::server(
                    "the server ended the event stream before it answered the handshake",
                ));
            }
        }
    }
}

impl Polls {
    /// `request` is the request of each poll. The first poll is already sent.
    pub(crate) fn new(request: Vec<u8>, framing: Framing) -> Self {
        let mut records = Records::default();
        records.framing = framing;
        Self { request, answer: Vec::new(), records }
    }

    fn feed(
        &mut self,
        bytes: &[u8],
        mut on_input: impl FnMut(Input<'_>),
    ) -> Result<Asked<'_>, String> {
        self.answer.extend_from_slice(bytes);
        match http::parse(&self.answer, false)? {
            Progress::Cut => Ok(Asked::Nothing),
            Progress::Whole(answer, used) if answer.status == 200 && answer.stays_open => {
                self.answer.drain(..used);
                self.records.feed(&answer.body, |record| on_input(Input::Record(record)))?;
                Ok(Asked::Poll(&self.request))
            }
            Progress::Whole(answer, _) => Err(format!("a poll was answered {}", answer.shown())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(carrier: &mut Carrier, bytes: &[u8], size: usize) -> (Vec<String>, usize) {
        let (mut found, mut polls) = (Vec::new(), 0);
        for piece in bytes.chunks(size) {
            let asked = carrier.feed(piece, |input| {
                if let Input::Record(record) = input {
                    found.push(String::from_utf8_lossy(record).into_owned());
                }
            });
            polls += usize::from(asked.unwrap() != Asked::Nothing);
        }
        (found, polls)
    }

    #[test]
    fn events_may_be_cut_anywhere() {
        let bytes =
            b"f\r\ndata: {1}\x1e\r\n\r\n\r\nb\r\ndata: {2}\x1edata: x\r\n\r\ndata: {3}\x1e\r\n\r\n";
        for size in [bytes.len(), 1, 5] {
            let mut carrier = Carrier::Events(Events::default());
            assert_eq!(records(&mut carrier, bytes, size).0, ["{1}", "{2}", "{3}"], "{size}");
        }
    }

    #[test]
    fn each_answered_poll_asks_for_the_next() {
        let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{1}\x1eHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for size in [1, 5] {
            let mut carrier = Carrier::Polls(Polls::new(b"GET".to_vec(), Framing::Separated));
            assert_eq!(records(&mut carrier, bytes, size), (vec!["{1}".to_owned()], 2), "{size}");
        }
    }

    #[test]
    fn a_refused_poll_is_an_error() {
        let mut carrier = Carrier::Polls(Polls::new(Vec::new(), Framing::Separated));
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno";
        assert!(carrier.feed(answer, |_| ()).unwrap_err().contains("404 no"));
    }
}
