//! The SignalR hub protocol: converts bytes to messages and back.
//!
//! This module uses no socket, no task and no clock. Source: the published hub protocol
//! specification (`HubProtocol.md` of ASP.NET Core).

mod client_message;
pub(crate) mod handshake;
pub(crate) mod json;
pub(crate) mod message_pack;
pub(crate) mod sent;

pub(crate) use self::client_message::{ClientMessage, Outcome, ProtocolError, Split};

/// The encoding that a client chose in its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    MessagePack,
    /// MessagePack in Blazor's form, which only app servers know. It has the frames of MessagePack, and
    /// the service's own messages are the same as in MessagePack.
    BlazorPack,
    /// Any other protocol, which only app servers know. Its bytes pass through unchanged, and the service
    /// sends no messages of its own in it. The client sends text frames, or has sent none yet.
    OtherText,
    /// The same as [`OtherText`](Self::OtherText), but the client sends binary frames.
    OtherBinary,
}

impl Protocol {
    pub(crate) const ALL: [Self; 4] =
        [Self::Json, Self::MessagePack, Self::BlazorPack, Self::OtherText];

    /// The protocol's name in handshakes and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
            Self::BlazorPack => "blazorpack",
            Self::OtherText | Self::OtherBinary => "other",
        }
    }

    /// Whether only app servers know the protocol.
    pub(crate) fn is_other(self) -> bool {
        matches!(self, Self::OtherText | Self::OtherBinary)
    }

    /// Whether the protocol needs a binary transport.
    pub(crate) fn is_binary(self) -> bool {
        match self {
            Self::Json | Self::OtherText | Self::OtherBinary => false,
            Self::MessagePack | Self::BlazorPack => true,
        }
    }

    /// Splits off the first complete message. Only its app knows where a message of another protocol ends.
    pub(crate) fn split(self, bytes: &[u8]) -> Result<Split<'_>, ProtocolError> {
        match self {
            Self::Json => Ok(json::split(bytes)),
            Self::MessagePack | Self::BlazorPack => message_pack::split(bytes),
            Self::OtherText | Self::OtherBinary => Ok((!bytes.is_empty()).then_some((bytes, &[]))),
        }
    }

    /// Parses one message, without its frame.
    pub(crate) fn parse(self, message: &[u8]) -> Result<ClientMessage, ProtocolError> {
        match self {
            Self::Json => json::parse(message),
            Self::MessagePack | Self::BlazorPack => message_pack::parse(message),
            Self::OtherText | Self::OtherBinary => Ok(ClientMessage::Unknown),
        }
    }

    /// The end of a call or stream, without a result, or with an error.
    pub(crate) fn completion(self, invocation_id: &str, error: Option<&str>) -> Vec<u8> {
        match self {
            Self::Json => json::completion(invocation_id, error),
            Self::MessagePack | Self::BlazorPack => message_pack::completion(invocation_id, error),
            Self::OtherText | Self::OtherBinary => Vec::new(),
        }
    }

    /// The last message of a connection.
    pub(crate) fn close(self, error: Option<&str>, allow_reconnect: bool) -> Vec<u8> {
        match self {
            Self::Json => json::close(error, allow_reconnect),
            Self::MessagePack | Self::BlazorPack => message_pack::close(error, allow_reconnect),
            Self::OtherText | Self::OtherBinary => Vec::new(),
        }
    }

    pub(crate) fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => json::PING,
            Self::MessagePack | Self::BlazorPack => message_pack::PING,
            Self::OtherText | Self::OtherBinary => &[],
        }
    }

    /// An acknowledgement: the client's messages arrived up to this number.
    pub(crate) fn ack(self, sequence_id: u64) -> Vec<u8> {
        match self {
            Self::Json => json::numbered(8, sequence_id),
            Self::MessagePack | Self::BlazorPack => message_pack::numbered(8, sequence_id),
            Self::OtherText | Self::OtherBinary => Vec::new(),
        }
    }

    /// A sequence: the next message has this number.
    pub(crate) fn sequence(self, sequence_id: u64) -> Vec<u8> {
        match self {
            Self::Json => json::numbered(9, sequence_id),
            Self::MessagePack | Self::BlazorPack => message_pack::numbered(9, sequence_id),
            Self::OtherText | Self::OtherBinary => Vec::new(),
        }
    }
}
