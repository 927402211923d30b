//! How a hub message is sent: its protocol, and the frame of its transport.

use bytes::Bytes;

use super::{events, transport::Transport, websocket::frame};
use crate::protocol::Protocol;

/// A protocol on a transport. Connections with the same encoding get the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) protocol: Protocol,
    pub(crate) transport: Transport,
}

/// A value for each encoding. If a protocol or a transport has no place here, it does not compile.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByEncoding<T> {
    json: ByTransport<T>,
    message_pack: ByTransport<T>,
    blazor_pack: ByTransport<T>,
    other: ByTransport<T>,
}

#[derive(Clone, Debug, Default)]
struct ByTransport<T> {
    websockets: T,
    server_sent_events: T,
    long_polling: T,
}

impl<T> ByEncoding<T> {
    pub(crate) fn get(&self, Encoding { protocol, transport }: Encoding) -> &T {
        let by_transport = match protocol {
            Protocol::Json => &self.json,
            Protocol::MessagePack => &self.message_pack,
            Protocol::BlazorPack => &self.blazor_pack,
            Protocol::OtherText | Protocol::OtherBinary => &self.other,
        };
        match transport {
            Transport::WebSockets => &by_transport.websockets,
            Transport::ServerSentEvents => &by_transport.server_sent_events,
            Transport::LongPolling => &by_transport.long_polling,
        }
    }
}

impl<T> ByEncoding<T> {
    pub(crate) fn get_mut(&mut self, Encoding { protocol, transport }: Encoding) -> &mut T {
        let by_transport = match protocol {
            Protocol::Json => &mut self.json,
            Protocol::MessagePack => &mut self.message_pack,
            Protocol::BlazorPack => &mut self.blazor_pack,
            Protocol::OtherText | Protocol::OtherBinary => &mut self.other,
        };
        match transport {
            Transport::WebSockets => &mut by_transport.websockets,
            Transport::ServerSentEvents => &mut by_transport.server_sent_events,
            Transport::LongPolling => &mut by_transport.long_polling,
        }
    }

    /// The value of each encoding.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Encoding, &T)> {
        Encoding::all().map(|encoding| (encoding, self.get(encoding)))
    }
}

impl Encoding {
    fn all() -> impl Iterator<Item = Self> {
        Protocol::ALL.into_iter().flat_map(|protocol| {
            Transport::ALL.into_iter().map(move |transport| Self { protocol, transport })
        })
    }

    /// Hub messages as they are sent. On a WebSocket they are one frame, text for JSON and binary
    /// for MessagePack. On an event stream they are one event, text only. In the answer of a poll
    /// they have no frame. Messages of another protocol use the kind of frame that its client uses,
    /// and bytes that are not text are never in a text frame.
    pub(crate) fn frame(self, messages: &[u8]) -> Bytes {
        match (self.transport, self.protocol) {
            (Transport::WebSockets, Protocol::Json) => frame::text(messages),
            (
                Transport::WebSockets,
                Protocol::MessagePack | Protocol::BlazorPack | Protocol::OtherBinary,
            ) => frame::binary(messages),
            (Transport::WebSockets, Protocol::OtherText) => match std::str::from_utf8(messages) {
                Ok(_) => frame::text(messages),
                Err(_) => frame::binary(messages),
            },
            (Transport::ServerSentEvents, _) => events::event(messages),
            (Transport::LongPolling, _) => Bytes::copy_from_slice(messages),
        }
    }
}
