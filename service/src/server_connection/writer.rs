//! Writes the waiting messages to a server connection, and sends pings.

use std::time::Duration;

use futures_util::{SinkExt, stream::SplitSink};
use signalr_server_protocol::{Message, Ping};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tungstenite::Message as Frame;

use super::socket::Socket;
use crate::app_server::QueueEnd;

/// How often an app gets a ping. It considers the service gone after 30 seconds without a message.
const PING: Duration = Duration::from_secs(5);
/// An app that reads nothing for this time is cut off.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// Writes until no more messages can come, then closes the socket. Ends earlier if the app reads
/// nothing.
pub(super) async fn write(mut sink: SplitSink<Socket, Frame>, mut queue: QueueEnd) {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let bytes = tokio::select! {
            bytes = queue.next() => match bytes {
                Some(bytes) => bytes,
                None => break,
            },
            _ = pings.tick() => ping(),
        };
        let is_written = timeout(WRITE_TIME, sink.send(Frame::binary(bytes))).await;
        queue.written();
        if !matches!(is_written, Ok(Ok(()))) {
            return;
        }
    }
    // The app may already be gone.
    let _ = timeout(WRITE_TIME, sink.close()).await;
}

fn ping() -> Vec<u8> {
    let mut bytes = Vec::new();
    // The message is short, so this cannot fail.
    let _ = Message::from(Ping::keep_alive()).encode(&mut bytes);
    bytes
}
