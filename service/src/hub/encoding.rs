//! How a hub message goes over a wire: its protocol, and what the transport puts around it.

use bytes::Bytes;

use crate::{
    protocol::Protocol,
    transport::{server_sent_events, websocket::frame},
};

/// What a transport puts around hub messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One frame: text for JSON, binary for MessagePack.
    WebSocket,
    /// One event, text only.
    ServerSentEvents,
    /// Nothing.
    LongPolling,
}

/// A protocol in a framing: connections with the same encoding get the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) protocol: Protocol,
    pub(crate) framing: Framing,
}

impl Encoding {
    pub(crate) const COUNT: usize = 6;

    /// The place of this encoding among all of them.
    pub(crate) fn index(self) -> usize {
        self.protocol as usize * 3 + self.framing as usize
    }

    /// Hub messages as they go over the wire.
    pub(crate) fn frame(self, messages: &[u8]) -> Bytes {
        match (self.framing, self.protocol) {
            (Framing::WebSocket, Protocol::Json) => frame::text(messages),
            (Framing::WebSocket, Protocol::MessagePack) => frame::binary(messages),
            (Framing::ServerSentEvents, _) => server_sent_events::event(messages),
            (Framing::LongPolling, _) => Bytes::copy_from_slice(messages),
        }
    }
}
