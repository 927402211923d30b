//! The hub protocol as a client speaks it: messages to bytes and back, and nothing else.
//!
//! This module uses no socket, no task and no clock. Source: `HubProtocol.md` of ASP.NET Core.

pub(crate) mod handshake;
mod json;
mod message;
mod message_pack;

use bytes::Bytes;

pub(crate) use self::message::{CallMessage, Message, Outcome, ProtocolError};
use crate::{encoding::Protocol, payload::Payload};

impl Protocol {
    /// Takes the first message; `None` if it is not complete.
    pub(crate) fn take(self, bytes: &mut &[u8]) -> Result<Option<Message>, ProtocolError> {
        match self {
            Self::Json => json::take(bytes),
            Self::MessagePack => message_pack::take(bytes),
        }
    }

    pub(crate) fn call(self, call: &CallMessage<'_>) -> Bytes {
        match self {
            Self::Json => json::call(call),
            Self::MessagePack => message_pack::call(call),
        }
        .into()
    }

    pub(crate) fn item(self, id: &str, item: &Payload) -> Bytes {
        match self {
            Self::Json => json::item(id, item),
            Self::MessagePack => message_pack::item(id, item),
        }
        .into()
    }

    pub(crate) fn completion(self, id: &str, outcome: &Outcome) -> Bytes {
        match self {
            Self::Json => json::completion(id, outcome),
            Self::MessagePack => message_pack::completion(id, outcome),
        }
        .into()
    }

    pub(crate) fn cancel(self, id: &str) -> Bytes {
        match self {
            Self::Json => json::cancel(id),
            Self::MessagePack => message_pack::cancel(id),
        }
        .into()
    }

    pub(crate) fn ping(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Json => b"{\"type\":6}\x1e",
            Self::MessagePack => &[0x02, 0x91, 0x06],
        })
    }

    pub(crate) fn close(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Json => b"{\"type\":7}\x1e",
            Self::MessagePack => &[0x03, 0x92, 0x07, 0xc0],
        })
    }

    /// An acknowledgement: the server's messages arrived up to this one.
    pub(crate) fn ack(self, number: u64) -> Bytes {
        self.numbered(8, number)
    }

    /// The next message has this number.
    pub(crate) fn sequence(self, number: u64) -> Bytes {
        self.numbered(9, number)
    }

    fn numbered(self, kind: u8, number: u64) -> Bytes {
        match self {
            Self::Json => json::numbered(kind, number),
            Self::MessagePack => message_pack::numbered(kind, number),
        }
        .into()
    }
}

#[cfg(test)]
mod tests;
