//! The messages of a load: `[sequence number, sending time in µs, text]` for the target `bench`.

use rmp::decode::{read_array_len, read_int, read_map_len, read_marker, read_str_from_slice};
use serde_json::Value;

use crate::dialect::Dialect;

const TARGET: &str = "bench";
const PING: &[u8] = br#"{"type":6}"#;
/// The number of an invocation in SignalR's protocols.
const INVOCATION: u64 = 1;
const CLOSE: u64 = 7;

/// Writes and reads messages with a text of one size.
#[derive(Debug)]
pub(crate) struct Format {
    dialect: Dialect,
    text: String,
    /// The beginning of an invocation if the server writes its members in the usual order.
    head: &'static [u8],
    /// The end of a message, after its sending time.
    tail: Vec<u8>,
}

/// The kinds of records that the load receives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Message(Stamp),
    /// The server is about to close, with the error that it gives.
    Close(String),
    /// A message of this load that differs from what was sent, or a record that breaks the protocol.
    Damaged,
    /// A ping, or a message that this load did not send.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) sequence: u64,
    /// In µs since the load began.
    pub(crate) sent: u64,
}

impl Format {
    pub(crate) fn new(size: usize, dialect: Dialect) -> Self {
        let text = "x".repeat(size);
        let (head, end): (&[u8], _) = match dialect {
            Dialect::Json | Dialect::MessagePack => {
                (br#"{"type":1,"target":"bench","arguments":["#, "]}")
            }
            Dialect::SocketIo => (br#"42["bench","#, "]"),
            Dialect::Plain => (br#"{"target":"bench","arguments":["#, "]}"),
        };
        let tail = format!(",\"{text}\"{end}").into_bytes();
        Self { dialect, text, head, tail }
    }

    /// The body of the POST that sends a message.
    pub(crate) fn body(&self, stamp: Stamp) -> Vec<u8> {
        let Stamp { sequence, sent } = stamp;
        let text = &self.text;
        format!(r#"{{"target":"{TARGET}","arguments":[{sequence},{sent},"{text}"]}}"#).into_bytes()
    }

    pub(crate) fn read(&self, record: &[u8]) -> Record {
        match self.dialect {
            Dialect::MessagePack => self.read_message_pack(record).unwrap_or(Record::Damaged),
            Dialect::Json => match self.read_usual(record) {
                Some(stamp) => Record::Message(stamp),
                None if record == PING => Record::Other,
                None => self.read_any(record),
            },
            Dialect::SocketIo | Dialect::Plain => match self.read_usual(record) {
                Some(stamp) => Record::Message(stamp),
                None if record.starts_with(self.head) => Record::Damaged,
                None => Record::Other,
            },
        }
    }

    /// Reads without a JSON parser. A parser would cost more than some servers do.
    fn read_usual(&self, record: &[u8]) -> Option<Stamp> {
        let (sequence, rest) = number(record.strip_prefix(self.head)?)?;
        let (sent, rest) = number(rest.strip_prefix(b",")?)?;
        (rest == self.tail).then_some(Stamp { sequence, sent })
    }

    fn read_any(&self, record: &[u8]) -> Record {
        let Ok(value) = serde_json::from_slice::<Value>(record) else { return Record::Damaged };
        match (value["type"].as_u64(), value["target"].as_str()) {
            (Some(CLOSE), _) => {
                Record::Close(value["error"].as_str().unwrap_or_default().to_owned())
            }
            (Some(INVOCATION), Some(TARGET)) => {
                match value["arguments"].as_array().map(Vec::as_slice) {
                    Some([sequence, sent, text]) if text.as_str() == Some(&self.text) => {
                        match (sequence.as_u64(), sent.as_u64()) {
                            (Some(sequence), Some(sent)) => {
                                Record::Message(Stamp { sequence, sent })
                            }
                            _ => Record::Damaged,
                        }
                    }
                    _ => Record::Damaged,
                }
            }
            _ => Record::Other,
        }
    }

    /// `[1, headers, invocation id, target, arguments, …]` and `[7, error, …]`. `None` if it is neither
    /// of these nor another message.
    fn read_message_pack(&self, record: &[u8]) -> Option<Record> {
        let mut rest = record;
        read_array_len(&mut rest).ok()?;
        match read_int::<u64, _>(&mut rest).ok()? {
            INVOCATION => {}
            CLOSE => {
                let error = read_str_from_slice(rest).map_or("", |(error, _)| error);
                return Some(Record::Close(error.to_owned()));
            }
            _ => return Some(Record::Other),
        }
        // A broadcast has no headers and no invocation id.
        if read_map_len(&mut rest).ok()? != 0 || read_marker(&mut rest).ok()? != rmp::Marker::Null {
            return Some(Record::Other);
        }
        let (target, mut rest) = read_str_from_slice(rest).ok()?;
        if target != TARGET {
            return Some(Record::Other);
        }
        let count = read_array_len(&mut rest).ok()?;
        let sequence = read_int(&mut rest).ok()?;
        let sent = read_int(&mut rest).ok()?;
        let (text, _) = read_str_from_slice(rest).ok()?;
        (count == 3 && text == self.text).then_some(Record::Message(Stamp { sequence, sent }))
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    let (digits, rest) = bytes.split_at(end);
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { sequence: 12, sent: 345 };

    #[test]
    fn messages_are_read_however_the_server_writes_them() {
        let format = Format::new(3, Dialect::Json);
        assert_eq!(format.body(STAMP), br#"{"target":"bench","arguments":[12,345,"xxx"]}"#);
        for record in [
            r#"{"type":1,"target":"bench","arguments":[12,345,"xxx"]}"#,
            r#"{ "arguments": [12, 345, "xx\u0078"], "target": "bench", "type": 1 }"#,
        ] {
            assert_eq!(format.read(record.as_bytes()), Record::Message(STAMP));
        }
    }

    #[test]
    fn other_records_are_told_apart() {
        let format = Format::new(3, Dialect::Json);
        for (record, expected) in [
            (r#"{"type":6}"#, Record::Other),
            (r#"{"type":1,"target":"news","arguments":[]}"#, Record::Other),
            (r#"{"type":1,"target":"bench","arguments":[1,2,"xx"]}"#, Record::Damaged),
            (r#"{"type":1,"target":"bench","arguments":[-1,2,"xxx"]}"#, Record::Damaged),
            (r#"{"type":1,"target":"bench","arguments":[1,2,"xxx"]"#, Record::Damaged),
            (r#"{"type":7,"error":"enough"}"#, Record::Close("enough".to_owned())),
        ] {
            assert_eq!(format.read(record.as_bytes()), expected, "{record}");
        }
    }

    #[test]
    fn records_of_message_pack_are_told_apart() {
        let format = Format::new(3, Dialect::MessagePack);
        let message = b"\x96\x01\x80\xc0\xa5bench\x93\x0c\xcd\x01\x59\xa3xxx\x90";
        assert_eq!(format.read(message), Record::Message(STAMP));
        for (record, expected) in [
            (&b"\x91\x06"[..], Record::Other),
            (b"\x96\x01\x80\xc0\xa4news\x90\x90", Record::Other),
            (b"\x96\x01\x80\xc0\xa5bench\x93\x0c\x01\xa3xxy\x90", Record::Damaged),
            (b"\x93\x07\xa6enough\xc3", Record::Close("enough".to_owned())),
            (b"", Record::Damaged),
        ] {
            assert_eq!(format.read(record), expected, "{record:x?}");
        }
    }

    #[test]
    fn other_servers_have_heads_of_their_own() {
        for (dialect, record) in [
            (Dialect::SocketIo, r#"42["bench",12,345,"xxx"]"#),
            (Dialect::Plain, r#"{"target":"bench","arguments":[12,345,"xxx"]}"#),
        ] {
            let format = Format::new(3, dialect);
            assert_eq!(format.read(record.as_bytes()), Record::Message(STAMP), "{dialect:?}");
            assert_eq!(format.read(b"2"), Record::Other);
            let changed = record.replace("xxx", "xxy");
            assert_eq!(format.read(changed.as_bytes()), Record::Damaged, "{dialect:?}");
        }
    }
}
