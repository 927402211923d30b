//! The messages of a load: `[sequence number, sending time in µs, text]` for the target `bench`.

use serde_json::Value;

const TARGET: &str = "bench";
const PING: &[u8] = br#"{"type":6}"#;
/// How an invocation begins if the server writes its members in the usual order.
const HEAD: &[u8] = br#"{"type":1,"target":"bench","arguments":["#;

/// Writes and reads messages with a text of one size.
#[derive(Debug)]
pub(crate) struct Format {
    text: String,
    /// How a message ends behind its sending time.
    tail: Vec<u8>,
}

/// The kinds of records that the load receives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Message(Stamp),
    /// The server is about to close, with the error that it gives.
    Close(String),
    /// One of ours that is not as it was sent, or no JSON.
    Damaged,
    /// A ping or something that is not ours.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) sequence: u64,
    /// In µs since the load began.
    pub(crate) sent: u64,
}

impl Format {
    pub(crate) fn new(size: usize) -> Self {
        let text = "x".repeat(size);
        let tail = format!(",\"{text}\"]}}").into_bytes();
        Self { text, tail }
    }

    /// The body of the POST that sends a message.
    pub(crate) fn body(&self, stamp: Stamp) -> Vec<u8> {
        let Stamp { sequence, sent } = stamp;
        let text = &self.text;
        format!(r#"{{"target":"{TARGET}","arguments":[{sequence},{sent},"{text}"]}}"#).into_bytes()
    }

    pub(crate) fn read(&self, record: &[u8]) -> Record {
        match self.read_usual(record) {
            Some(stamp) => Record::Message(stamp),
            None if record == PING => Record::Other,
            None => self.read_any(record),
        }
    }

    /// Reads without a JSON parser, which would cost more than some servers do.
    fn read_usual(&self, record: &[u8]) -> Option<Stamp> {
        let (sequence, rest) = number(record.strip_prefix(HEAD)?)?;
        let (sent, rest) = number(rest.strip_prefix(b",")?)?;
        (rest == self.tail).then_some(Stamp { sequence, sent })
    }

    fn read_any(&self, record: &[u8]) -> Record {
        let Ok(value) = serde_json::from_slice::<Value>(record) else { return Record::Damaged };
        match (value["type"].as_u64(), value["target"].as_str()) {
            (Some(7), _) => Record::Close(value["error"].as_str().unwrap_or_default().to_owned()),
            (Some(1), Some(TARGET)) => match value["arguments"].as_array().map(Vec::as_slice) {
                Some([sequence, sent, text]) if text.as_str() == Some(&self.text) => {
                    match (sequence.as_u64(), sent.as_u64()) {
                        (Some(sequence), Some(sent)) => Record::Message(Stamp { sequence, sent }),
                        _ => Record::Damaged,
                    }
                }
                _ => Record::Damaged,
            },
            _ => Record::Other,
        }
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

    #[test]
    fn messages_are_read_however_the_server_writes_them() {
        let format = Format::new(3);
        let stamp = Stamp { sequence: 12, sent: 345 };
        assert_eq!(format.body(stamp), br#"{"target":"bench","arguments":[12,345,"xxx"]}"#);
        for record in [
            r#"{"type":1,"target":"bench","arguments":[12,345,"xxx"]}"#,
            r#"{ "arguments": [12, 345, "xx\u0078"], "target": "bench", "type": 1 }"#,
        ] {
            assert_eq!(format.read(record.as_bytes()), Record::Message(stamp));
        }
    }

    #[test]
    fn other_records_are_told_apart() {
        let format = Format::new(3);
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
}
