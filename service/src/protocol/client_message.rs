//! The messages of clients, and the error for bytes that are not a message.

use serde_json::value::RawValue;

/// A message of a client after its handshake.
#[derive(Debug)]
pub(crate) enum ClientMessage {
    /// Calls a method. If there is an id, the client waits for a completion.
    Invocation {
        target: String,
        invocation_id: Option<String>,
    },
    /// Calls a method that answers with a stream.
    StreamInvocation {
        target: String,
        invocation_id: String,
    },
    /// An item of a stream that the client sends.
    StreamItem,
    /// Answers an invocation of the service.
    Completion {
        invocation_id: String,
        outcome: Outcome,
    },
    /// Cancels a stream or a call.
    CancelInvocation,
    Ping,
    Close,
    /// The client received the service's messages up to this one.
    Ack {
        sequence_id: u64,
    },
    /// The next message of a client that resumes has this number.
    Sequence {
        sequence_id: u64,
    },
    /// A type that a newer client may know.
    Unknown,
}

/// The first complete message and the bytes after it; `None` if it is not complete.
pub(crate) type Split<'a> = Option<(&'a [u8], &'a [u8])>;

/// How a call of a client ended: a result in JSON, nothing, or the client's error.
pub(crate) type Outcome = Result<Option<Box<RawValue>>, String>;

/// The error for bytes that are not a hub message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ProtocolError(String);

impl ProtocolError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl ClientMessage {
    /// Whether the message has a number under stateful reconnect.
    pub(crate) fn is_numbered(&self) -> bool {
        match self {
            Self::Invocation { .. }
            | Self::StreamInvocation { .. }
            | Self::StreamItem
            | Self::Completion { .. }
            | Self::CancelInvocation => true,
            Self::Ping | Self::Close | Self::Ack { .. } | Self::Sequence { .. } | Self::Unknown => {
                false
            }
        }
    }
}
