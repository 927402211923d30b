//! The client's side of a WebSocket that carries records.
//!
//! SignalR's records may end anywhere in frames and reads, so all payloads form one stream. Frames and
//! records that arrive whole are not copied: the load must cost less than the server.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use tungstenite::handshake::derive_accept_key;

use crate::{
    dialect::{self, Framing},
    failure::Failure,
    http,
    server::Endpoint,
};

/// The end of each separated record.
pub(crate) const RECORD_END: u8 = 0x1e;
/// Frames are masked with zeros, so their bytes do not change. Masks exist to protect proxies, and
/// there is no proxy here.
const ZERO_MASK: [u8; 4] = [0; 4];
const KEY: &str = "bG9hZCBvZiBzaWduYWxyIQ==";
const LONGEST_FRAME: u64 = 64 * 1024 * 1024;
const LONGEST_RECORD: usize = 64 * 1024 * 1024;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Asks for the upgrade and waits for it. Also returns the bytes after the answer.
pub(crate) fn upgrade(
    endpoint: &Endpoint,
    timeout: Duration,
) -> Result<(TcpStream, Vec<u8>), Failure> {
    let mut socket = endpoint.connect(timeout)?;
    let headers = format!(
        "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: {KEY}\r\n"
    );
    let request = http::request("GET", endpoint, &headers, b"");
    let (answer, rest) = http::exchange(&mut socket, &request, timeout)?;
    if answer.status != 101 {
        let shown = answer.shown();
        return Err(Failure::server(format!("the server refused a WebSocket: {shown}")));
    }
    if answer.accept_key.as_deref() != Some(&derive_accept_key(KEY.as_bytes())) {
        return Err(Failure::server("the server's answer to the upgrade has a wrong accept key"));
    }
    Ok((socket, rest))
}

/// Reads until there is a record. Returns what `on_record` makes of it.
pub(crate) fn first_record<T>(
    socket: &mut TcpStream,
    decoder: &mut Decoder,
    mut bytes: Vec<u8>,
    timeout: Duration,
    on_record: impl Fn(&[u8]) -> T,
) -> Result<T, Failure> {
    let end = Instant::now() + timeout;
    let mut found = None;
    loop {
        let mut closed = None;
        decoder
            .feed(&bytes, |input| match input {
                Input::Record(record) if found.is_none() => found = Some(on_record(record)),
                Input::Close(reason) => closed = Some(reason),
                _ => {}
            })
            .map_err(Failure::server)?;
        if let Some(found) = found {
            return Ok(found);
        }
        bytes.clear();
        let is_end = closed.is_some() || http::read_more(socket, &mut bytes, end)?;
        if is_end {
            let reason = closed.unwrap_or_default();
            return Err(Failure::server(format!(
                "the server closed the connection before it answered the handshake {reason}"
            )));
        }
    }
}

/// A text frame or, for records with a length, a binary frame.
pub(crate) fn data(framing: Framing, payload: &[u8]) -> Vec<u8> {
    frame(if framing == Framing::Counted { BINARY } else { TEXT }, payload)
}

/// The close frame of a client that leaves.
pub(crate) fn close() -> Vec<u8> {
    frame(CLOSE, &1000_u16.to_be_bytes())
}

pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

/// A masked frame of at most 125 bytes; longer payloads are cut.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(125)];
    let head = [0x80 | opcode, 0x80 | payload.len() as u8];
    [&head[..], &ZERO_MASK, payload].concat()
}

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input<'a> {
    /// A complete record without its end.
    Record(&'a [u8]),
    Ping(&'a [u8]),
    /// A close, with its code and reason as text.
    Close(String),
}

#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The bytes of an incomplete frame.
    frame: Vec<u8>,
    records: Records,
}

/// Divides the payloads of all frames into records.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) framing: Framing,
    /// The bytes of an incomplete record.
    cut: Vec<u8>,
}

impl Decoder {
    /// Changes where records end, after a handshake.
    pub(crate) fn set_framing(&mut self, framing: Framing) {
        self.records = Records { framing, cut: Vec::new() };
    }

    /// Takes the next bytes and calls `on_input` for each whole input in them.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut on_input: impl FnMut(Input<'_>),
    ) -> Result<(), String> {
        if self.frame.is_empty() {
            let used = decode(bytes, &mut self.records, &mut on_input)?;
            self.frame.extend_from_slice(&bytes[used..]);
        } else {
            self.frame.extend_from_slice(bytes);
            let used = decode(&self.frame, &mut self.records, &mut on_input)?;
            self.frame.drain(..used);
        }
        Ok(())
    }
}

/// Decodes the complete frames in `bytes` and returns how many bytes they have.
fn decode(
    bytes: &[u8],
    records: &mut Records,
    on_input: &mut impl FnMut(Input<'_>),
) -> Result<usize, String> {
    let mut used = 0;
    while let Some((opcode, start, length)) = head(&bytes[used..])? {
        let Some(payload) = bytes.get(used + start..used + start + length) else { break };
        match opcode {
            TEXT | BINARY | CONTINUATION => {
                records.feed(payload, |record| on_input(Input::Record(record)))?;
            }
            PING => on_input(Input::Ping(payload)),
            CLOSE => on_input(Input::Close(closing(payload))),
            PONG => {}
            other => return Err(format!("the server sent a frame with the opcode {other}")),
        }
        used += start + length;
    }
    Ok(used)
}

/// The opcode, where the payload begins, and its length. `None` if the head is not complete yet.
fn head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, String> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & 0x70 != 0 || second & 0x80 != 0 {
        return Err("the server sent a frame that is masked or has a reserved bit set".to_owned());
    }
    let (start, length) = match (second, rest) {
        (126, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
        }
        (126 | 127, _) => return Ok(None),
        (length, _) => (2, u64::from(*length)),
    };
    if length > LONGEST_FRAME {
        return Err(format!("the server sent a frame of {length} bytes"));
    }
    Ok(Some((first & 0x0f, start, length as usize)))
}

impl Records {
    /// Takes the next bytes and calls `on_record` for each record that ends in them.
    pub(crate) fn feed(
        &mut self,
        payload: &[u8],
        mut on_record: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        match self.framing {
            Framing::Separated => self.feed_separated(payload, on_record),
            Framing::Counted => self.feed_counted(payload, on_record),
            Framing::Whole => {
                on_record(payload);
                Ok(())
            }
        }
    }

    fn feed_separated(
        &mut self,
        mut payload: &[u8],
        mut on_record: impl FnMut(&[u8]),
    ) -> Result<(), String> {
        while let Some(end) = memchr::memchr(RECORD_END, payload) {
            if self.cut.is_empty() {
                on_record(&payload[..end]);
            } else {
                self.cut.extend_from_slice(&payload[..end]);
                on_record(&self.cut);
                self.cut.clear();
            }
            payload = &payload[end + 1..];
        }
        self.keep(payload)
    }

    fn feed_counted(&mut self, payload: &[u8], on_record: impl FnMut(&[u8])) -> Result<(), String> {
        if self.cut.is_empty() {
            let used = counted_records(payload, on_record)?;
            return self.keep(&payload[used..]);
        }
        self.keep(payload)?;
        let used = counted_records(&self.cut, on_record)?;
        self.cut.drain(..used);
        Ok(())
    }

    fn keep(&mut self, rest: &[u8]) -> Result<(), String> {
        if self.cut.len() + rest.len() > LONGEST_RECORD {
            return Err(format!(
                "the server sent {LONGEST_RECORD} bytes without the end of a record"
            ));
        }
        self.cut.extend_from_slice(rest);
        Ok(())
    }
}

/// Calls `on_record` for each complete record, and returns how many bytes they have.
fn counted_records(bytes: &[u8], mut on_record: impl FnMut(&[u8])) -> Result<usize, String> {
    let mut used = 0;
    while let Some((start, end)) = dialect::counted(&bytes[used..])? {
        let Some(record) = bytes.get(used + start..used + end) else { break };
        on_record(record);
        used += end;
    }
    Ok(used)
}

fn closing(payload: &[u8]) -> String {
    match payload {
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            format!("(code {code} {})", String::from_utf8_lossy(reason))
        }
        _ => "(no code)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len();
        let head = match length {
            0..=125 => vec![first, length as u8],
            126..=0xffff => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        [&head[..], payload].concat()
    }

    #[test]
    fn frames_and_records_may_be_cut_anywhere() {
        let long = "x".repeat(70_000);
        let bytes = [
            frame(0x81, b"one\x1etwo\x1e"),
            frame(0x01, b"thr"),
            frame(0x89, b"?"),
            frame(0x80, b"ee\x1e"),
            frame(0x81, format!("{long}\x1e").as_bytes()),
            frame(0x88, b"\x03\xe8bye"),
        ]
        .concat();
        let expected = ["one", "two", "ping ?", "three", &long, "close (code 1000 bye)"];
        for size in [bytes.len(), 1, 3, 7, 4096] {
            let mut decoder = Decoder::default();
            let mut inputs = Vec::new();
            for piece in bytes.chunks(size) {
                let on_input = |input: Input<'_>| {
                    inputs.push(match input {
                        Input::Record(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                        Input::Ping(bytes) => format!("ping {}", String::from_utf8_lossy(bytes)),
                        Input::Close(reason) => format!("close {reason}"),
                    });
                };
                decoder.feed(piece, on_input).unwrap();
            }
            assert_eq!(inputs, expected, "pieces of {size}");
            assert!(decoder.frame.is_empty() && decoder.records.cut.is_empty());
        }
    }

    #[test]
    fn records_with_their_length_may_be_cut_anywhere() {
        let long = [b'x'; 300];
        let bytes = [&b"\x03one\x01t\xac\x02"[..], &long, b"\x00"].concat();
        for size in [bytes.len(), 1, 2, 7] {
            let mut records = Records { framing: Framing::Counted, cut: Vec::new() };
            let mut found: Vec<Vec<u8>> = Vec::new();
            for piece in bytes.chunks(size) {
                records.feed(piece, |record| found.push(record.to_vec())).unwrap();
            }
            assert_eq!(found, [&b"one"[..], b"t", &long, b""], "pieces of {size}");
            assert!(records.cut.is_empty());
        }
    }

    #[test]
    fn what_no_server_may_send_is_an_error() {
        let masked = [0x81, 0x81, 0, 0, 0, 0, b'a'];
        let huge = [&[0x82, 127][..], &u64::MAX.to_be_bytes()].concat();
        for bytes in [&masked[..], &frame(0xc1, b"a"), &frame(0x83, b"a"), &huge] {
            assert!(Decoder::default().feed(bytes, |_| ()).is_err());
        }
    }
}
