//! A shard: the only owner of its connections and of their part of every hub.
//!
//! It runs on its own thread, so nothing in it is locked. It takes the work from its queue, carries
//! it out in order, and lets its connections' tasks run in between.

mod app;
mod asking_again;
mod batch;
mod closing;
mod connections;
mod delivery;
mod ending;
mod entering;
mod group_changes;
mod groups;
mod invocations;
mod logins;
mod look;
mod members;
mod moved_invocations;
mod moving;
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
    app::{end_clients_of, move_clients_of},
    asking_again::ask_again,
    closing::close_over,
    delivery::{carry_out, close_all, goes_to_the_same},
    pace::{CHUNK, Pace},
    state::{Shard, SharedShard},
    table::Key,
};
use super::{
    user_shards::UserHere,
    work::{NewConnection, Work},
};

/// How many pieces of work one turn takes from the queue.
const BATCH: usize = 64;
/// How often a shard checks its timers.
const LOOK: Duration = Duration::from_secs(1);
/// If a check comes as late as this, the process did not run in the meantime: it was stopped, or
/// its machine was suspended.
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
                Work::Adopt { connection, user_here } => adopt(&shard, *connection, user_here),
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
                        // The caller may be gone.
                        let _ = matched.send(count);
                    }
                }
                Work::Invoke(invoke) => shard.borrow_mut().invoke(invoke),
                Work::Login(request) => shard.borrow_mut().login(request),
                Work::Move { hub, connection, step } => {
                    shard.borrow_mut().take_step(&hub, &connection, step);
                }
                Work::FromApp { hub, connection, server, said } => {
                    shard.borrow_mut().take_from_app(&hub, &connection, server, said);
                }
                Work::AppMoves { server, is_lost } => {
                    move_clients_of(&shard, server, is_lost, &mut pace).await;
                }
                Work::AppGone { server } => end_clients_of(&shard, server, &mut pace).await,
                Work::Ask { hub, question } => shard.borrow().answer(&hub, question),
                Work::AskGroupsAgain => {
                    spawn_local(ask_again(Rc::clone(&shard)));
                }
                Work::Look(look) => {
                    spawn_local(look::look(Rc::clone(&shard), *look));
                }
                // The caller may be gone.
                Work::Report(report) => drop(report.send(shard.borrow().counts.clone())),
                Work::CloseOver { spread, done } => {
                    spawn_local(close_over(Rc::clone(&shard), spread, done));
                }
                Work::Stop => {
                    close_all(&shard, &mut pace).await;
                    let ends = wait_for_ends(&shard, waiting, &mut queue);
                    // After this time, no more messages are sent to clients that are still
                    // connected.
                    let _ = timeout(close_timeout, ends).await;
                    return;
                }
            }
        }
    }
}

/// Waits until every connection has ended. Some clients end theirs by requests.
async fn wait_for_ends(
    shard: &SharedShard,
    waiting: impl Iterator<Item = Work>,
    queue: &mut mpsc::Receiver<Work>,
) {
    // All other work came after the end had begun. It is dropped, which refuses it.
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

/// Runs the timers of a shard's connections, for as long as the shard lives.
async fn keep_time(shard: Weak<RefCell<Shard>>) {
    let mut seconds = interval(LOOK);
    // Sockets are read between two checks, so a check never follows another at once.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_turn = Instant::now();
    loop {
        seconds.tick().await;
        let Some(shard) = shard.upgrade() else { return };
        if was_away(&mut last_turn) {
            begin_silence_of_all(&shard).await;
            last_turn = Instant::now();
            continue;
        }
        let now = shard.borrow().now();
        let due = shard.borrow_mut().table.take_due(now);
        for chunk in due.chunks(CHUNK) {
            // The process may be stopped here too. A check that only takes long is not a pause.
            if was_away(&mut last_turn) {
                begin_silence_of_all(&shard).await;
                last_turn = Instant::now();
            }
            shard.borrow_mut().tick(chunk);
            yield_now().await;
        }
        was_away(&mut last_turn);
    }
}

/// Whether the process stood still since the last turn of the timers.
fn was_away(last_turn: &mut Instant) -> bool {
    let turn = Instant::now();
    turn.saturating_duration_since(std::mem::replace(last_turn, turn)) > AWAY
}

/// Messages that clients sent during a pause of the process wait in their sockets. Some clients only
/// answer pings, and they got none. So the silence of all clients begins now.
async fn begin_silence_of_all(shard: &SharedShard) {
    let keys = shard.borrow().table.keys();
    for chunk in keys.chunks(CHUNK) {
        shard.borrow_mut().begin_silence(chunk);
        yield_now().await;
    }
}

fn adopt(shard: &SharedShard, connection: NewConnection, user_here: Option<UserHere>) {
    let has_end = connection.carrier.has_end();
    let (key, turn) = shard.borrow_mut().insert(connection, user_here);
    if has_end {
        spawn_local(serve(Rc::clone(shard), key, turn));
    }
}

/// The task of one connection's carrier. It runs until the carrier is gone.
async fn serve(shard: SharedShard, key: Key, turn: u32) {
    poll_fn(|cx| shard.borrow_mut().poll(key, turn, cx)).await;
}
