//! The SignalR hub protocol: bytes to messages and back, and nothing else.
//!
//! Nothing here knows a socket, a task or a clock. Source: the published hub protocol
//! specification (`HubProtocol.md` of ASP.NET Core).

pub(crate) mod handshake;
pub(crate) mod json;

/// The encoding that a client chose in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
}

/// What a client can say after its handshake, as far as the service acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    Ping,
    Close,
    /// Anything that has no effect here: items and completions of calls that the service did not
    /// make, and types that a newer client may know.
    Other,
}

/// Bytes that are not a hub message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ProtocolError(String);

impl ProtocolError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
