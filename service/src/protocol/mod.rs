//! The SignalR hub protocol: bytes to messages and back, and nothing else.
//!
//! Nothing here knows a socket, a task or a clock. Source: the published hub protocol
//! specification (`HubProtocol.md` of ASP.NET Core).

mod client_message;
pub(crate) mod handshake;
pub(crate) mod json;
pub(crate) mod message_pack;

pub(crate) use self::client_message::{ClientMessage, Outcome, ProtocolError, Split};

/// The encoding that a client chose in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    MessagePack,
}

impl Protocol {
    pub(crate) const ALL: [Self; 2] = [Self::Json, Self::MessagePack];

    /// Its name in handshakes and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
        }
    }

    /// Whether a transport for text cannot carry it.
    pub(crate) fn is_binary(self) -> bool {
        match self {
            Self::Json => false,
            Self::MessagePack => true,
        }
    }

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

    /// The end of a call or stream, without a result; with an error if it failed.
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
