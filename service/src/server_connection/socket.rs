//! The WebSocket of a server connection.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::{Role, WebSocketConfig};

/// How many bytes a message of an app may have. REST accepts bodies of 1 MiB. An app sends each
/// message in every protocol that it has, and it sends lists of recipients.
pub(super) const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// How many bytes one WebSocket message of an app may have. It may contain many messages.
const MAX_FRAME: usize = MAX_MESSAGE + 1024 * 1024;

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The WebSocket after its upgrade.
pub(super) async fn open(upgraded: TokioIo<Upgraded>) -> Socket {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME));
    WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await
}
