//! The bytes of a connection: a WebSocket, an event stream with requests, or polls with requests.

mod event_stream;
pub(crate) mod kind;
pub(crate) mod place;
mod polling;
mod post;
mod web_socket;

use std::task::{Context, Poll};

use bytes::Bytes;

use self::{
    event_stream::EventStream,
    kind::Kind,
    place::{Broken, Place},
    polling::Polling,
    web_socket::WebSocket,
};
use crate::error::ConnectError;

/// How many bytes may wait to be sent. If more wait, the connection takes no calls.
const MOST_QUEUED: usize = 256 * 1024;

/// A transport that is open.
pub(crate) enum Transport {
    WebSocket(Box<WebSocket>),
    EventStream(Box<EventStream>),
    Polling(Box<Polling>),
}

impl Transport {
    pub(crate) async fn open(place: &Place) -> Result<Self, ConnectError> {
        Ok(match place.kind {
            Kind::WebSockets => Self::WebSocket(Box::new(WebSocket::open(place).await?)),
            Kind::ServerSentEvents => Self::EventStream(Box::new(EventStream::open(place).await?)),
            Kind::LongPolling => Self::Polling(Box::new(Polling::open(place).await?)),
        })
    }

    /// Puts bytes into the queue; [`poll`](Self::poll) sends them.
    pub(crate) fn queue(&mut self, bytes: Bytes) {
        match self {
            Self::WebSocket(socket) => socket.queue(bytes),
            Self::EventStream(stream) => stream.post.queue(&bytes),
            Self::Polling(polling) => polling.post.queue(&bytes),
        }
    }

    /// Queues the handshake, which is text with either protocol.
    pub(crate) fn queue_text(&mut self, text: String) {
        match self {
            Self::WebSocket(socket) => socket.queue_text(text),
            Self::EventStream(stream) => stream.post.queue(text.as_bytes()),
            Self::Polling(polling) => polling.post.queue(text.as_bytes()),
        }
    }

    /// Whether the queue is full. Then only messages that keep the connection alive should be
    /// added.
    pub(crate) fn is_full(&self) -> bool {
        self.queued() > MOST_QUEUED
    }

    pub(crate) fn queued(&self) -> usize {
        match self {
            Self::WebSocket(socket) => socket.queued(),
            Self::EventStream(stream) => stream.post.queued(),
            Self::Polling(polling) => polling.post.queued(),
        }
    }

    /// Sends queued bytes, and is ready with received bytes. Without `reads` it only sends.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reads: bool,
    ) -> Poll<Result<Bytes, Broken>> {
        match self {
            Self::WebSocket(socket) => socket.poll(cx, reads),
            Self::EventStream(stream) => stream.poll(cx, reads),
            Self::Polling(polling) => polling.poll(cx, reads),
        }
    }

    /// Says goodbye in the transport's own way.
    pub(crate) async fn close(self) {
        match self {
            Self::WebSocket(socket) => socket.close().await,
            Self::EventStream(_) => {}
            Self::Polling(polling) => polling.close().await,
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WebSocket(_) => "WebSocket",
            Self::EventStream(_) => "EventStream",
            Self::Polling(_) => "Polling",
        })
    }
}
