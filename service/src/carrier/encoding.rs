//! How a hub message goes over a wire: its protocol, and what the transport puts around it.

use bytes::Bytes;

use super::{events, transport::Transport, websocket::frame};
use crate::protocol::Protocol;

/// A protocol on a transport: connections with the same encoding get the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) protocol: Protocol,
    pub(crate) transport: Transport,
}

impl Encoding {
    pub(crate) const COUNT: usize = Protocol::COUNT * Transport::COUNT;

    /// The place of this encoding among all of them.
    pub(crate) fn index(self) -> usize {
        self.protocol as usize * Transport::COUNT + self.transport as usize
    }

    /// Hub messages as they go over the wire: one frame, text for JSON and binary for MessagePack;
    /// one event, text only; or as they are in the answer of a poll.
    pub(crate) fn frame(self, messages: &[u8]) -> Bytes {
        match (self.transport, self.protocol) {
            (Transport::WebSockets, Protocol::Json) => frame::text(messages),
            (Transport::WebSockets, Protocol::MessagePack) => frame::binary(messages),
            (Transport::ServerSentEvents, _) => events::event(messages),
            (Transport::LongPolling, _) => Bytes::copy_from_slice(messages),
        }
    }
}
