//! What moves the bytes of a connection: a WebSocket's socket, an event stream, or a queue for
//! polls. A carrier knows no hub; it is handed frames and says what came.

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

/// What moves the bytes of one connection.
#[derive(Debug)]
pub(crate) enum Carrier {
    WebSocket(WebSocket),
    ServerSentEvents(EventSink),
    LongPolling(Box<PollQueue>),
    /// The WebSocket broke, and its client may come back with another.
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

    /// Sends a frame, or queues what cannot go now, up to `max_queued` bytes.
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

    /// Drops what waits to be sent, as far as it can still be dropped, and what came in part.
    pub(crate) fn drop_queued(&mut self) {
        match self {
            Self::WebSocket(socket) => socket.drop_queued(),
            Self::LongPolling(polls) => polls.drop_queued(),
            Self::ServerSentEvents(events) => events.drop_queued(),
            Self::Away => {}
        }
    }

    /// The bytes that wait to be sent.
    pub(crate) fn queued(&self) -> usize {
        match self {
            Self::WebSocket(socket) => socket.queued(),
            Self::ServerSentEvents(events) => events.queued(),
            Self::LongPolling(polls) => polls.queued(),
            Self::Away => 0,
        }
    }

    /// The bytes of a message that came in part.
    pub(crate) fn partial(&self) -> usize {
        match self {
            Self::WebSocket(socket) => socket.partial(),
            Self::ServerSentEvents(_) | Self::LongPolling(_) | Self::Away => 0,
        }
    }

    /// Ends once what waits is sent. Returns whether that takes time.
    pub(crate) fn end(&mut self, now: Seconds) -> bool {
        match self {
            Self::WebSocket(socket) => socket.send_close(CloseCode::Normal, ""),
            Self::ServerSentEvents(events) => events.end(),
            Self::LongPolling(polls) => polls.end(now),
            Self::Away => return false,
        }
        true
    }

    /// Whether [`poll`](Self::poll) ever comes to an end. Polls are requests of their own.
    pub(crate) fn has_end(&self) -> bool {
        match self {
            Self::WebSocket(_) | Self::ServerSentEvents(_) => true,
            Self::LongPolling(_) | Self::Away => false,
        }
    }

    /// Writes what waits and reads what came, as far as a socket allows, and finds the end of a
    /// carrier that [has one](Self::has_end). Whole messages go to `on_message`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        max_message: usize,
        on_message: impl FnMut(&[u8]),
    ) -> Poll<Progress> {
        match self {
            Self::WebSocket(socket) => socket.poll(cx, buffer, max_message, on_message),
            Self::ServerSentEvents(events) => events.poll_gone(cx).map(|()| Progress::Gone),
            Self::LongPolling(_) | Self::Away => Poll::Pending,
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
