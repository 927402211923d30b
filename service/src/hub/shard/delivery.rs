//! Carries out commands, a chunk of connections at a time, so that other work gets its turn.

use std::sync::Arc;

use signalr_serverless::HubName;

use super::{
    batch::Batch,
    members::Way,
    pace::{CHUNK, Pace},
    state::SharedShard,
    table::Key,
};
use crate::{
    filter::Filter,
    hub::{
        command::{Action, Command, GroupChange, GroupsOf, Step, Target},
        counts::TargetKind,
        message::Message,
    },
    session::Ended,
};

/// The text for clients at the end of the service.
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

/// Carries out a run of commands that [go to the same](goes_to_the_same) recipients. Returns how
/// many connections matched.
pub(super) async fn carry_out(shard: &SharedShard, run: &[Arc<Command>], pace: &mut Pace) -> usize {
    let Some(first) = run.first() else { return 0 };
    let hub = &first.hub;
    match &first.action {
        Action::Send { recipients, .. } => {
            let batch = Batch::new(messages_of(run));
            let keys = shard.borrow().recipients(hub, recipients);
            if let (Target::Connection(_), [key]) = (&recipients.target, &*keys) {
                shard.borrow_mut().note_answers_in(*key, messages_of(run));
            }
            write_each(shard, &keys, &batch, (&recipients.target).into(), pace).await;
            for followed in run.iter().filter_map(|command| command.followed.as_ref()) {
                followed.delivered(keys.len());
            }
            keys.len()
        }
        Action::Close { recipients, reason } => {
            let keys = shard.borrow().recipients(hub, recipients);
            close_each(shard, &keys, Ended::Closed, reason.as_deref(), pace).await;
            keys.len()
        }
        Action::Execute { filter, steps } => {
            let keys = matching(shard, hub, filter.as_ref(), pace).await;
            for step in steps {
                carry_out_step(shard, &keys, step, pace).await;
                if let Some(followed) = first.followed.as_ref().filter(|_| step.is_send()) {
                    followed.delivered(keys.len());
                }
            }
            keys.len()
        }
        Action::Groups { of, change } => {
            if let GroupsOf::User(user) = of {
                shard.borrow_mut().note_change(hub, user, change);
            }
            let (keys, way) = shard.borrow().concerned(hub, of);
            change_each(shard, &keys, change, way, pace).await;
            keys.len()
        }
    }
}

/// The messages of a run of commands.
fn messages_of(run: &[Arc<Command>]) -> impl Iterator<Item = &Arc<Message>> {
    run.iter().filter_map(|command| match &command.action {
        Action::Send { message, .. } => Some(message),
        _ => None,
    })
}

async fn carry_out_step(shard: &SharedShard, keys: &[Key], step: &Step, pace: &mut Pace) {
    // A step for no connection is work too: there may be tens of thousands of steps.
    pace.spend(1).await;
    match step {
        Step::Send(message) => {
            write_each(shard, keys, &Batch::new([message]), TargetKind::Filter, pace).await;
        }
        Step::Groups(change) => change_each(shard, keys, change, Way::ByItself, pace).await,
        Step::Close { reason } => {
            close_each(shard, keys, Ended::Closed, reason.as_deref(), pace).await
        }
    }
}

/// The connections of a hub that match a filter, or all of them if there is no filter.
async fn matching(
    shard: &SharedShard,
    hub: &HubName,
    filter: Option<&Filter>,
    pace: &mut Pace,
) -> Vec<Key> {
    let keys = shard.borrow().recipients(hub, &Target::Hub.into());
    let Some(filter) = filter else { return keys };
    let mut matching = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        let shard = shard.borrow();
        matching.extend(chunk.iter().copied().filter(|key| shard.matches(*key, filter)));
    }
    matching
}

async fn write_each(
    shard: &SharedShard,
    keys: &[Key],
    batch: &Batch<'_>,
    kind: TargetKind,
    pace: &mut Pace,
) {
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        let mut shard = shard.borrow_mut();
        shard.send_batch(chunk, batch, kind);
        shard.relieve();
    }
}

async fn change_each(
    shard: &SharedShard,
    keys: &[Key],
    change: &GroupChange,
    way: Way,
    pace: &mut Pace,
) {
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        shard.borrow_mut().change_groups(chunk, change, way);
    }
}

/// Closes connections with a reason.
pub(super) async fn close_each(
    shard: &SharedShard,
    keys: &[Key],
    why: Ended,
    reason: Option<&str>,
    pace: &mut Pace,
) {
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        let mut shard = shard.borrow_mut();
        let now = shard.now();
        for key in chunk {
            shard.close(*key, why, reason, now);
        }
    }
}

/// Closes every connection, because the service is ending.
pub(super) async fn close_all(shard: &SharedShard, pace: &mut Pace) {
    let keys = shard.borrow().table.keys();
    close_each(shard, &keys, Ended::Shutdown, Some(SHUTTING_DOWN), pace).await;
}
