//! The SignalR hub protocol: bytes to messages and back, and nothing else.
//!
//! Nothing here knows a socket, a task or a clock. Source: the published hub protocol
//! specification (`HubProtocol.md` of ASP.NET Core).

pub(crate) mod handshake;
pub(crate) mod json;
pub(crate) mod message_pack;

use serde_json::value::RawValue;

/// The encoding that a client chose in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    MessagePack,
}

/// What a client can say after its handshake.
#[derive(Debug)]
pub(crate) enum ClientMessage {
    /// Calls a method; with an id the client waits for a completion.
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
    /// Wants no more of a stream or an answer.
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

/// The first whole message and what is behind it; `None` where it is cut.
pub(crate) type Split<'a> = Option<(&'a [u8], &'a [u8])>;

/// How a call of a client ended: a result in JSON, nothing, or the client's error.
pub(crate) type Outcome = Result<Option<Box<RawValue>>, String>;

/// Bytes that are not a hub message.
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

impl Protocol {
    /// Splits the first whole message off.
    pub(crate) fn split(self, bytes: &[u8]) -> Result<Split<'_>, ProtocolError> {
        match self {
            Self::Json => Ok(json::split(bytes)),
            Self::MessagePack => message_pack::split(bytes),
        }
    }

    /// Parses one message, without what frames it.
    pub(crate) fn parse(self, message: &[u8]) -> Result<ClientMessage, ProtocolError> {
        match self {
            Self::Json => json::parse(message),
            Self::MessagePack => message_pack::parse(message),
        }
    }

    /// The end of a call or stream, without a result; with an error where it failed.
    pub(crate) fn completion(self, invocation_id: &str, error: Option<&str>) -> Vec<u8> {
        match self {
            Self::Json => json::completion(invocation_id, error),
            Self::MessagePack => message_pack::completion(invocation_id, error),
        }
    }

    /// The last message of a connection.
    pub(crate) fn close(self, error: Option<&str>, allow_reconnect: bool) -> Vec<u8> {
        match self {
            Self::Json => json::close(error, allow_reconnect),
            Self::MessagePack => message_pack::close(error, allow_reconnect),
        }
    }

    pub(crate) fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => json::PING,
            Self::MessagePack => message_pack::PING,
        }
    }

    /// The client's messages were received up to this one.
    pub(crate) fn ack(self, sequence_id: u64) -> Vec<u8> {
        match self {
            Self::Json => json::numbered(8, sequence_id),
            Self::MessagePack => message_pack::numbered(8, sequence_id),
        }
    }

    /// The next message has this number.
    pub(crate) fn sequence(self, sequence_id: u64) -> Vec<u8> {
        match self {
            Self::Json => json::numbered(9, sequence_id),
            Self::MessagePack => message_pack::numbered(9, sequence_id),
        }
    }
}
