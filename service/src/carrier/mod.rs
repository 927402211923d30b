//! The carriers of the bytes of connections: the socket of a WebSocket, an event stream, or a queue
//! for polls. A carrier does not know its hub. It gets frames to send, and reports the bytes that
//! it received.

mod encoding;
pub(crate) mod events;
mod polls;
mod transport;
pub(crate) mod websocket;

use std::task::{Context, Poll};

use bytes::Bytes;
use tungstenite::protocol::frame::coding::CloseCode;

pub(crate) use self::{
    encoding::{ByEncoding, Encoding},
    events::EventSink,
    polls::{PollAnswer, PollQueue},
    transport::{QueueFull, Transport, Transports},
    websocket::{Progress, Stream, WebSocket},
};
use crate::session::Seconds;

/// The carrier of the bytes of one connection.
#[derive(Debug)]
pub(crate) enum Carrier {
    WebSocket(WebSocket),
    ServerSentEvents(EventSink),
    LongPolling(Box<PollQueue>),
    /// The WebSocket broke, and its client may resume with another one.
    Away,
}

impl Carrier {
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::WebSocket(_) | Self::Away => Transport::WebSockets,
            Self::ServerSentEvents(_) => Transport::ServerSentEvents,
            Self::LongPolling(_) => Transport::LongPolling,
        }
    }

    /// Sends a frame. Queues the bytes that cannot be sent now, up to `max_queued` bytes.
    // Each delivery calls this. A real call would cost as much as the match.
    #[inline(always)]
    pub(crate) fn send(
        &mut self,
        frame: &Bytes,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        match self {
            Self::WebSocket(socket) => socket.send(frame, max_queued),
            Self::ServerSentEvents(events) => events.send(frame, max_queued),
            Self::LongPolling(polls) => polls.send(frame, max_queued, now),
            Self::Away => Ok(()),
        }
    }

    /// Drops the queued bytes, as far as they can still be dropped, and the parts of incomplete
    /// messages.
    pub(crate) fn drop_queued(&mut self) {
        match self {
            Self::WebSocket(socket) => socket.drop_queued(),
            Self::LongPolling(polls) => polls.drop_queued(),
            Self::ServerSentEvents(events) => events.drop_queued(),
            Self::Away => {}
        }
    }

    /// How many bytes wait to be sent.
    pub(crate) fn queued(&self) -> usize {
        match self {
            Self::WebSocket(socket) => socket.queued(),
            Self::ServerSentEvents(events) => events.queued(),
            Self::LongPolling(polls) => polls.queued(),
            Self::Away => 0,
        }
    }

    /// How many bytes of an incomplete message are held.
    pub(crate) fn partial(&self) -> usize {
        match self {
            Self::WebSocket(socket) => socket.partial(),
            Self::ServerSentEvents(_) | Self::LongPolling(_) | Self::Away => 0,
        }
    }

    /// Whether the last message of the client was binary, if its transport has both kinds.
    pub(crate) fn is_binary(&self) -> bool {
        match self {
            Self::WebSocket(socket) => socket.is_binary(),
            Self::ServerSentEvents(_) | Self::LongPolling(_) | Self::Away => false,
        }
    }

    /// Ends the carrier after the queued bytes are sent. Returns whether this takes time.
    pub(crate) fn end(&mut self, now: Seconds) -> bool {
        match self {
            Self::WebSocket(socket) => socket.send_close(CloseCode::Normal, ""),
            Self::ServerSentEvents(events) => events.end(),
            Self::LongPolling(polls) => polls.end(now),
            Self::Away => return false,
        }
        true
    }

    /// Whether [`poll`](Self::poll) ever finds an end. Polls are separate requests and have none.
    pub(crate) fn has_end(&self) -> bool {
        match self {
            Self::WebSocket(_) | Self::ServerSentEvents(_) => true,
            Self::LongPolling(_) | Self::Away => false,
        }
    }

    /// Writes the queued bytes and reads the received ones, as far as a socket allows. Also finds
    /// the end of a carrier that [has one](Self::has_end). Complete messages go to `on_message`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        max_message: usize,
        max_queued: usize,
        on_message: impl FnMut(&[u8]),
    ) -> Poll<Progress> {
        match self {
            Self::WebSocket(socket) => socket.poll(cx, buffer, max_message, max_queued, on_message),
            Self::ServerSentEvents(events) => events.poll_gone(cx).map(|()| Progress::Gone),
            Self::LongPolling(_) | Self::Away => Poll::Pending,
        }
    }

    /// Only writes the queued bytes, because nothing may be read now. Is ready when the carrier is
    /// gone.
    pub(crate) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::WebSocket(socket) => socket.poll_unread(cx),
            Self::ServerSentEvents(events) => events.poll_gone(cx),
            Self::LongPolling(_) | Self::Away => Poll::Pending,
        }
    }

    /// Wakes the task that reads the socket, because it may be read again.
    pub(crate) fn read_on(&self) {
        if let Self::WebSocket(socket) = self {
            socket.wake();
        }
    }

    /// Since when no poll has been waiting, if the client polls.
    pub(crate) fn idle_since(&mut self, now: Seconds) -> Option<Seconds> {
        match self {
            Self::LongPolling(polls) => polls.idle_since(now),
            Self::WebSocket(_) | Self::ServerSentEvents(_) | Self::Away => None,
        }
    }
}
