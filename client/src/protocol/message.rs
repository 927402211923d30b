//! The messages of servers, and the error for bytes that cannot be read.

use crate::payload::Payload;

/// The byte that ends a message in JSON and a handshake.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;

/// How a call ended: a result, nothing, or an error in words.
pub(crate) type Outcome = Result<Option<Payload>, String>;

/// A message of a server after the handshake.
#[derive(Debug)]
pub(crate) enum Message {
    /// Calls a method of the client. If there is an id, the server waits for an answer.
    Invocation {
        id: Option<String>,
        target: String,
        arguments: Payload,
    },
    StreamItem {
        id: String,
        item: Payload,
    },
    Completion {
        id: String,
        outcome: Outcome,
    },
    /// The server cancels a stream that the client sends.
    Cancel,
    Ping,
    Close {
        error: Option<String>,
        allow_reconnect: bool,
    },
    Ack(u64),
    Sequence(u64),
    /// A type that a newer server may know.
    Unknown,
}

impl Message {
    /// Whether the message has a number under stateful reconnect.
    pub(crate) fn is_numbered(&self) -> bool {
        matches!(
            self,
            Self::Invocation { .. }
                | Self::StreamItem { .. }
                | Self::Completion { .. }
                | Self::Cancel
        )
    }
}

/// Bytes that are not a hub message.
#[derive(Debug, thiserror::Error)]
#[error("the server sent what is not a hub message: {0}")]
pub(crate) struct ProtocolError(pub(crate) String);

/// A call, or a call that asks for a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallMessage<'a> {
    pub(crate) is_stream: bool,
    pub(crate) id: Option<&'a str>,
    pub(crate) target: &'a str,
    pub(crate) arguments: &'a Payload,
    pub(crate) stream_ids: &'a [String],
}

impl CallMessage<'_> {
    pub(super) fn kind(&self) -> u8 {
        if self.is_stream { 4 } else { 1 }
    }
}
