//! Reads messages from the socket of a server connection.

use std::sync::Arc;

use bytes::BytesMut;
use futures_util::{StreamExt, stream::SplitStream};
use signalr_server_protocol::{DecodeError, FrameError, Message, decode, split};
use tungstenite::Message as Frame;

use super::socket::{MAX_MESSAGE, Socket};
use crate::{app_server::AppQueue, budget::Share, state::State};

/// Reads messages from WebSocket frames of any size. The bytes that were received and not taken yet
/// count in the bytes of all queues.
pub(super) struct Reader {
    stream: SplitStream<Socket>,
    received: BytesMut,
    share: Share,
    queue: Arc<AppQueue>,
    state: Arc<State>,
}

/// Why a server connection has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("the app closed it")]
    Closed,
    #[error("the socket broke: {0}")]
    Broken(#[from] tungstenite::Error),
    #[error("a text frame came, and messages are binary")]
    Text,
    #[error("{0}")]
    Frame(#[from] FrameError),
    #[error("a message cannot be read: {0}")]
    Message(#[from] DecodeError),
    #[error("a second handshake came")]
    Handshake,
    #[error("the app sent nothing for 30 seconds")]
    Silent,
    #[error("the app takes nothing")]
    NotRead,
    #[error("too much waits for all queues together, and much of it for this app")]
    TooMuch,
    #[error("the service is shutting down")]
    Shutdown,
}

impl Reader {
    /// Makes a reader. Its bytes count as held for the app of this queue.
    pub(super) fn new(
        stream: SplitStream<Socket>,
        queue: Arc<AppQueue>,
        state: Arc<State>,
    ) -> Self {
        let share = state.queue_budget.share();
        Self { stream, received: BytesMut::new(), share, queue, state }
    }

    /// The next message. `None` for a message of an unknown kind, which is ignored.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, End> {
        loop {
            let message = split(&mut self.received, MAX_MESSAGE)?;
            self.count();
            if let Some(body) = message {
                return Ok(decode(body)?);
            }
            match self.stream.next().await.transpose()? {
                Some(Frame::Binary(bytes)) => {
                    if self.received.is_empty() {
                        self.received = BytesMut::from(bytes);
                    } else {
                        self.received.extend_from_slice(&bytes);
                    }
                }
                Some(Frame::Text(_)) => return Err(End::Text),
                Some(Frame::Close(_)) | None => return Err(End::Closed),
                Some(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_)) => {}
            }
        }
    }

    fn count(&mut self) {
        let bytes = self.received.len();
        let has_grown = bytes > self.share.bytes();
        self.share.set(bytes);
        self.queue.note_partial(bytes);
        if has_grown {
            self.state.app_servers.relieve(&self.state.queue_budget);
        }
    }
}
