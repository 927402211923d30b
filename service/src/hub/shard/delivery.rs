//! Writing to many connections, a chunk at a time, so that others get their turn.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use signalr_serverless::HubName;
use tokio::task::yield_now;

use super::{Key, SharedShard};
use crate::{
    hub::{
        command::{Action, Command, Recipients},
        message::Message,
    },
    protocol::Protocol,
};

/// How many connections are written to before others get a turn.
pub(super) const CHUNK: usize = 128;
/// Messages are joined into one write up to this many bytes.
const JOINED_BYTES: usize = 64 * 1024;

/// Whether two commands are messages with the same recipients, so that both fit in one write.
pub(super) fn goes_to_the_same(first: &Command, second: &Command) -> bool {
    match (&first.action, &second.action) {
        (Action::Send { recipients: one, .. }, Action::Send { recipients: other, .. }) => {
            first.hub == second.hub && one == other
        }
        _ => false,
    }
}

/// Carries out a run of commands that [go to the same](goes_to_the_same). Returns how many
/// connections matched.
pub(super) async fn carry_out(shard: &SharedShard, run: &[Arc<Command>]) -> usize {
    let Some(first) = run.first() else { return 0 };
    let hub = &first.hub;
    match &first.action {
        Action::Send { recipients, .. } => {
            let messages: Vec<&Arc<Message>> = run
                .iter()
                .filter_map(|command| match &command.action {
                    Action::Send { message, .. } => Some(message),
                    _ => None,
                })
                .collect();
            deliver(shard, hub, recipients, &messages).await
        }
        Action::Close { recipients, reason } => {
            close(shard, hub, recipients, reason.as_deref()).await
        }
        action => shard.borrow_mut().change_groups(hub, action),
    }
}

/// Writes messages to their recipients, joined, a chunk of connections at a time.
async fn deliver(
    shard: &SharedShard,
    hub: &HubName,
    recipients: &Recipients,
    messages: &[&Arc<Message>],
) -> usize {
    let keys = shard.borrow().recipients(hub, recipients);
    if keys.is_empty() {
        return 0;
    }
    for frame in joined_frames(messages) {
        for (index, chunk) in keys.chunks(CHUNK).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            let mut shard = shard.borrow_mut();
            let now = shard.now();
            for key in chunk {
                shard.send(*key, &frame, now);
            }
        }
    }
    keys.len()
}

/// The frames of all messages in order, small ones joined.
fn joined_frames(messages: &[&Arc<Message>]) -> Vec<Bytes> {
    if let [message] = messages {
        return vec![message.websocket_frame(Protocol::Json).clone()];
    }
    let mut joined: Vec<BytesMut> = Vec::new();
    for message in messages {
        let frame = message.websocket_frame(Protocol::Json);
        match joined.last_mut() {
            Some(last) if last.len() + frame.len() <= JOINED_BYTES => last.extend_from_slice(frame),
            _ => joined.push(BytesMut::from(frame.as_ref())),
        }
    }
    joined.into_iter().map(BytesMut::freeze).collect()
}

async fn close(
    shard: &SharedShard,
    hub: &HubName,
    recipients: &Recipients,
    reason: Option<&str>,
) -> usize {
    let keys = shard.borrow().recipients(hub, recipients);
    close_each(shard, &keys, reason).await;
    keys.len()
}

pub(super) async fn close_all(shard: &SharedShard) {
    let keys: Vec<Key> = shard.borrow().connections.keys().collect();
    close_each(shard, &keys, Some("the service is shutting down")).await;
}

async fn close_each(shard: &SharedShard, keys: &[Key], reason: Option<&str>) {
    for chunk in keys.chunks(CHUNK) {
        {
            let mut shard = shard.borrow_mut();
            let now = shard.now();
            for key in chunk {
                shard.close(*key, reason, now);
            }
        }
        yield_now().await;
    }
}
