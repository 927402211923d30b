//! Hub messages out of a stream of bytes.

use std::mem;

use rmpv::Value;

use crate::Failure;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    MessagePack,
}

/// What the service sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The answer to the handshake.
    Handshake,
    /// An invocation: its target and the number that is its first argument.
    Numbered(String, u64),
    /// The service closes the connection, for the reason.
    Close(String),
    /// A ping or a completion.
    Other,
}

/// Takes bytes as they come, and gives whole hub messages.
pub(crate) struct Records {
    protocol: Protocol,
    has_handshake: bool,
    bytes: Vec<u8>,
}

impl Records {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self { protocol, has_handshake: false, bytes: Vec::new() }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next hub message, if all of it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Failure> {
        if self.has_handshake && self.protocol == Protocol::MessagePack {
            return self.next_binary();
        }
        let Some(end) = self.bytes.iter().position(|byte| *byte == 0x1e) else { return Ok(None) };
        let rest = self.bytes.split_off(end + 1);
        let text = mem::replace(&mut self.bytes, rest);
        let message: serde_json::Value = serde_json::from_slice(&text[..end])?;
        if !mem::replace(&mut self.has_handshake, true) {
            let is_accepted = message == serde_json::json!({});
            return if is_accepted {
                Ok(Some(Record::Handshake))
            } else {
                Err(message.to_string().into())
            };
        }
        Ok(Some(match message["type"].as_u64() {
            Some(1) => Record::Numbered(
                message["target"].as_str().ok_or("no target")?.to_owned(),
                message["arguments"][0].as_u64().ok_or("no number")?,
            ),
            Some(7) => Record::Close(message["error"].to_string()),
            _ => Record::Other,
        }))
    }

    fn next_binary(&mut self) -> Result<Option<Record>, Failure> {
        let Some((length, start)) = prefix(&self.bytes) else { return Ok(None) };
        if self.bytes.len() < start + length {
            return Ok(None);
        }
        let rest = self.bytes.split_off(start + length);
        let message = mem::replace(&mut self.bytes, rest);
        let message = rmpv::decode::read_value(&mut &message[start..])?;
        let part = |index: usize| message.as_array().and_then(|parts| parts.get(index));
        Ok(Some(match part(0).and_then(Value::as_u64) {
            Some(1) => Record::Numbered(
                part(3).and_then(Value::as_str).ok_or("no target")?.to_owned(),
                part(4).and_then(|arguments| arguments[0].as_u64()).ok_or("no number")?,
            ),
            Some(7) => Record::Close(format!("{:?}", part(1))),
            _ => Record::Other,
        }))
    }
}

/// The length of a MessagePack hub message, and how many bytes say so.
fn prefix(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((length, index + 1));
        }
    }
    None
}
