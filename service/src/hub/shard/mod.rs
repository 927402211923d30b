//! A shard: the one owner of its connections and of their part of every hub.
//!
//! It lives on a thread of its own, so nothing in it is locked. It takes what waits in its queue,
//! carries it out in order, and lets its connections' tasks run in between.

mod asking_again;
mod batch;
mod closing;
mod connections;
mod delivery;
mod entering;
mod group_changes;
mod groups;
mod invocations;
mod members;
mod pace;
mod questions;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod upstream;
mod wheel;

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{spawn_local, yield_now},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

pub(crate) use self::state::Shared;
use self::{
    asking_again::ask_again,
    closing::close_over,
    delivery::{carry_out, close_all, goes_to_the_same},
    pace::{CHUNK, Pace},
    state::{Shard, SharedShard},
    table::Key,
};
use super::work::{NewConnection, Work};

/// How much one turn of the queue takes.
const BATCH: usize = 64;
/// How often a shard looks at its timers.
const LOOK: Duration = Duration::from_secs(1);
/// A look that comes so late shows that the whole process was away: it was stopped, or its machine
/// suspended.
const AWAY: Duration = Duration::from_secs(3);

/// Runs a shard until it is stopped or its queue is closed.
pub(crate) async fn run(shared: Shared, mut queue: mpsc::Receiver<Work>) {
    let close_timeout = Duration::from_secs(shared.rules.close_timeout.into());
    let shard = Shard::new(shared);
    spawn_local(keep_time(Rc::downgrade(&shard)));
    let mut batch = Vec::with_capacity(BATCH);
    let mut pace = Pace::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let mut waiting = batch.drain(..).peekable();
        while let Some(work) = waiting.next() {
            match work {
                Work::Adopt(connection) => adopt(&shard, *connection),
                Work::Resume { connection, socket } => {
                    let resumed = shard.borrow_mut().resume(&connection, *socket);
                    if let Some((key, turn)) = resumed {
                        spawn_local(serve(Rc::clone(&shard), key, turn));
                    }
                }
                Work::FromClient { connection, request } => {
                    shard.borrow_mut().take_request(&connection, request);
                }
                Work::Command { command, matched } => {
                    let mut run = vec![command];
                    while matched.is_none()
                        && let Some(Work::Command { command, matched: None }) = waiting.peek()
                        && goes_to_the_same(&run[0], command)
                    {
                        run.push(Arc::clone(command));
                        waiting.next();
                    }
                    let count = carry_out(&shard, &run, &mut pace).await;
                    if let Some(matched) = matched {
                        // The asker may be gone.
                        let _ = matched.send(count);
                    }
                }
                Work::Invoke(invoke) => shard.borrow_mut().invoke(invoke),
                Work::Ask { hub, question } => shard.borrow().answer(&hub, question),
                Work::AskGroupsAgain => {
                    spawn_local(ask_again(Rc::clone(&shard)));
                }
                // The caller may have gone away.
                Work::Report(report) => drop(report.send(shard.borrow().counts.clone())),
                Work::CloseOver { spread, done } => {
                    spawn_local(close_over(Rc::clone(&shard), spread, done));
                }
                Work::Stop => {
                    close_all(&shard, &mut pace).await;
                    let ends = wait_for_ends(&shard, waiting, &mut queue);
                    // A client that stays longer has nothing coming.
                    let _ = timeout(close_timeout, ends).await;
                    return;
                }
            }
        }
    }
}

/// Waits until every connection has ended, which some clients do by requests.
async fn wait_for_ends(
    shard: &SharedShard,
    waiting: impl Iterator<Item = Work>,
    queue: &mut mpsc::Receiver<Work>,
) {
    // Anything else came when the end had begun, and is refused by being dropped.
    let take = |work| {
        if let Work::FromClient { connection, request } = work {
            shard.borrow_mut().take_request(&connection, request);
        }
    };
    waiting.for_each(take);
    let emptied = Rc::clone(&shard.borrow().emptied);
    while !shard.borrow().table.is_empty() {
        tokio::select! {
            () = emptied.notified() => {}
            Some(work) = queue.recv() => take(work),
        }
    }
}

/// Lets time pass for the connections of a shard, for as long as it lives.
async fn keep_time(shard: Weak<RefCell<Shard>>) {
    let mut seconds = interval(LOOK);
    // Sockets are read from one look to the next, so no look follows another at once.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_look = Instant::now();
    loop {
        let look = seconds.tick().await.max(Instant::now());
        let was_away = look.saturating_duration_since(last_look) > AWAY;
        last_look = look;
        if was_away {
            // What clients sent meanwhile waits in their sockets. Nobody is silent before it is read.
            continue;
        }
        let Some(shard) = shard.upgrade() else { return };
        let now = shard.borrow().now();
        let due = shard.borrow_mut().table.take_due(now);
        for chunk in due.chunks(CHUNK) {
            shard.borrow_mut().tick(chunk);
            yield_now().await;
        }
    }
}

fn adopt(shard: &SharedShard, connection: NewConnection) {
    let has_end = connection.carrier.has_end();
    let (key, turn) = shard.borrow_mut().insert(connection);
    if has_end {
        spawn_local(serve(Rc::clone(shard), key, turn));
    }
}

/// The task of one connection's carrier: waits for it, until it is gone.
async fn serve(shard: SharedShard, key: Key, turn: u32) {
    poll_fn(|cx| shard.borrow_mut().poll(key, turn, cx)).await;
}
