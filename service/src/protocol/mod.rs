//! The SignalR hub protocol: bytes to messages and back, and nothing else.
//!
//! Nothing here knows a socket, a task or a clock. Source: the published hub protocol
//! specification (`HubProtocol.md` of ASP.NET Core).

pub(crate) mod handshake;
pub(crate) mod json;

use serde_json::value::RawValue;

/// The encoding that a client chose in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
}

/// What a client can say after its handshake, as far as the service acts on it.
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
    /// Answers an invocation of the service.
    Completion {
        invocation_id: String,
        outcome: Outcome,
    },
    Ping,
    Close,
    /// Anything that has no effect here, such as types that a newer client may know.
    Other,
}

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
