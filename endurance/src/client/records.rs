//! Reads hub messages from a stream of bytes.

use serde::Deserialize;

use crate::Failure;

/// A message of the service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The answer to the handshake.
    Handshake,
    /// A number, and when it was sent, in microseconds since the publisher began.
    Number(u64, u64),
    /// The answer to a client's call.
    Completion,
    Ping,
    /// The number of the first message after a reconnect.
    Sequence(u64),
    Ack,
    Close(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    r#type: Option<u8>,
    arguments: Option<(u64, u64, serde::de::IgnoredAny)>,
    error: Option<String>,
    sequence_id: Option<u64>,
}

/// Takes bytes as they arrive, and returns complete records.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// How many of the bytes are used.
    used: usize,
}

impl Records {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next record, if it is complete. The frame of an event stream is skipped.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Failure> {
        let rest = &self.bytes[self.used..];
        let Some(end) = rest.iter().position(|byte| *byte == 0x1e) else { return Ok(None) };
        let start = rest[..end].iter().position(|byte| *byte == b'{').unwrap_or(end);
        let message: Message = serde_json::from_slice(&rest[start..end])?;
        self.used += end + 1;
        Ok(Some(match message {
            Message { r#type: None, error: None, .. } => Record::Handshake,
            Message { r#type: Some(1), arguments: Some((number, at, _)), .. } => {
                Record::Number(number, at)
            }
            Message { r#type: Some(3), .. } => Record::Completion,
            Message { r#type: Some(6), .. } => Record::Ping,
            Message { r#type: Some(8), .. } => Record::Ack,
            Message { r#type: Some(9), sequence_id: Some(first), .. } => Record::Sequence(first),
            Message { error, .. } => Record::Close(error.unwrap_or_default()),
        }))
    }
}
