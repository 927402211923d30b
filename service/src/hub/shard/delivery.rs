//! Writing to many connections, a chunk at a time, so that others get their turn.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use signalr_serverless::HubName;
use tokio::task::yield_now;

use super::{Key, SharedShard, membership::Change};
use crate::{
    hub::{
        command::{Action, Command, Step},
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
            let messages = run.iter().filter_map(|command| match &command.action {
                Action::Send { message, .. } => Some(message),
                _ => None,
            });
            let frames = joined_frames(messages);
            let keys = shard.borrow().recipients(hub, recipients);
            write_each(shard, &keys, &frames).await;
            keys.len()
        }
        Action::Close { recipients, reason } => {
            let keys = shard.borrow().recipients(hub, recipients);
            close_each(shard, &keys, reason.as_deref()).await;
            keys.len()
        }
        Action::Execute { filter, steps } => {
            let keys = shard.borrow().matching(hub, filter.as_ref());
            for step in steps {
                carry_out_step(shard, hub, &keys, step).await;
            }
            keys.len()
        }
        action => shard.borrow_mut().change_groups(hub, action),
    }
}

async fn carry_out_step(shard: &SharedShard, hub: &HubName, keys: &[Key], step: &Step) {
    match step {
        Step::Send(message) => write_each(shard, keys, &joined_frames([message])).await,
        Step::JoinGroup(group) => shard.borrow_mut().change(hub, keys, &Change::Join(group)),
        Step::LeaveGroup(group) => shard.borrow_mut().change(hub, keys, &Change::Leave(group)),
        Step::Close { reason } => close_each(shard, keys, reason.as_deref()).await,
    }
}

/// Writes frames to connections, a chunk at a time.
async fn write_each(shard: &SharedShard, keys: &[Key], frames: &[Bytes]) {
    for frame in frames {
        for (index, chunk) in keys.chunks(CHUNK).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            let mut shard = shard.borrow_mut();
            let now = shard.now();
            for key in chunk {
                shard.send(*key, frame, now);
            }
        }
    }
}

/// The frames of all messages in order, small ones joined.
fn joined_frames<'a>(messages: impl IntoIterator<Item = &'a Arc<Message>>) -> Vec<Bytes> {
    let frames = messages.into_iter().filter_map(|message| message.websocket_frame(Protocol::Json));
    let mut frames = frames.peekable();
    let mut joined = Vec::new();
    while let Some(first) = frames.next() {
        let fits = |bytes: usize, next: &&Bytes| bytes + next.len() <= JOINED_BYTES;
        if !frames.peek().is_some_and(|next| fits(first.len(), next)) {
            joined.push(first.clone());
            continue;
        }
        let mut together = BytesMut::from(first.as_ref());
        while let Some(next) = frames.next_if(|next| fits(together.len(), next)) {
            together.extend_from_slice(next);
        }
        joined.push(together.freeze());
    }
    joined
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
