//! Writing to many connections, a chunk at a time, so that others get their turn.

use std::{cell::OnceCell, sync::Arc};

use bytes::{Bytes, BytesMut};
use tokio::task::yield_now;

use super::{members::Way, state::SharedShard, table::Key};
use crate::{
    carrier::Encoding,
    hub::{
        command::{Action, Command, Step},
        message::Message,
    },
};

/// How many connections are written to before others get a turn.
pub(super) const CHUNK: usize = 128;
/// Messages are joined into one write up to this many bytes.
const JOINED_BYTES: usize = 64 * 1024;
/// What clients are told at the end of the service.
pub(super) const SHUTTING_DOWN: &str = "the service is shutting down";

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
            let batch = Batch::new(messages);
            let keys = shard.borrow().recipients(hub, recipients);
            write_each(shard, &keys, &batch).await;
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
                carry_out_step(shard, &keys, step).await;
            }
            keys.len()
        }
        Action::Groups { of, change } => shard.borrow_mut().change_groups(hub, of, change),
    }
}

async fn carry_out_step(shard: &SharedShard, keys: &[Key], step: &Step) {
    match step {
        Step::Send(message) => write_each(shard, keys, &Batch::new([message])).await,
        Step::Groups(change) => shard.borrow_mut().change_each(keys, change, Way::ByItself),
        Step::Close { reason } => close_each(shard, keys, reason.as_deref()).await,
    }
}

/// Writes messages to connections, a chunk at a time.
async fn write_each(shard: &SharedShard, keys: &[Key], batch: &Batch<'_>) {
    for (index, chunk) in keys.chunks(CHUNK).enumerate() {
        if index > 0 {
            yield_now().await;
        }
        let mut shard = shard.borrow_mut();
        let now = shard.now();
        for key in chunk {
            let Some(connection) = shard.table.get(*key) else { continue };
            for frame in batch.frames(connection.encoding()) {
                shard.send(*key, &frame.bytes, frame.messages, now);
            }
        }
    }
}

/// Messages for the same connections, joined once per encoding on the first need.
struct Batch<'a> {
    messages: Vec<&'a Arc<Message>>,
    frames: [OnceCell<Vec<JoinedFrame>>; Encoding::COUNT],
}

/// Messages as they go over a wire in one write.
struct JoinedFrame {
    bytes: Bytes,
    messages: u32,
}

impl<'a> Batch<'a> {
    fn new(messages: impl IntoIterator<Item = &'a Arc<Message>>) -> Self {
        let frames = [const { OnceCell::new() }; Encoding::COUNT];
        Self { messages: messages.into_iter().collect(), frames }
    }

    fn frames(&self, encoding: Encoding) -> &[JoinedFrame] {
        self.frames[encoding.index()].get_or_init(|| self.join(encoding))
    }

    /// The frames of all messages in order, small ones joined.
    fn join(&self, encoding: Encoding) -> Vec<JoinedFrame> {
        let mut frames = self.messages.iter().filter_map(|one| one.frame(encoding)).peekable();
        let mut joined = Vec::new();
        while let Some(first) = frames.next() {
            let fits = |bytes: usize, next: &&Bytes| bytes + next.len() <= JOINED_BYTES;
            if !frames.peek().is_some_and(|next| fits(first.len(), next)) {
                joined.push(JoinedFrame { bytes: first.clone(), messages: 1 });
                continue;
            }
            let mut together = BytesMut::from(first.as_ref());
            let mut messages = 1;
            while let Some(next) = frames.next_if(|next| fits(together.len(), next)) {
                together.extend_from_slice(next);
                messages += 1;
            }
            joined.push(JoinedFrame { bytes: together.freeze(), messages });
        }
        joined
    }
}

pub(super) async fn close_all(shard: &SharedShard) {
    let keys: Vec<Key> = shard.borrow().table.keys();
    close_each(shard, &keys, Some(SHUTTING_DOWN)).await;
}

/// Closes connections, a chunk at a time.
pub(super) async fn close_each(shard: &SharedShard, keys: &[Key], reason: Option<&str>) {
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
