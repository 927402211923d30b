//! Asks all clients to reconnect, over a period of time, so that they do not all come at once.
//!
//! If other nodes can take a connection over, its transport is ended without a message. The client
//! continues at another node, and the messages that are sent to it in the meantime are kept.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    time::{Instant, interval},
};

use super::{
    delivery::{SHUTTING_DOWN, close_each},
    pace::Pace,
    state::SharedShard,
    table::Key,
};
use crate::session::Ended;

/// The longest pause between two closed connections. If there are few connections, they do not need
/// the complete spread.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// How long connections are kept that other nodes can take over.
const TAKE_OVER: Duration = Duration::from_secs(2);
/// How often the shard checks how many connections are due.
const STEP: Duration = Duration::from_millis(10);

/// Closes every connection that exists now, evenly over `spread` or less. The first connection is
/// closed at once. `done` gets the number of connections.
pub(super) async fn close_over(shard: SharedShard, spread: Duration, done: oneshot::Sender<usize>) {
    let keys: Vec<Key> = shard.borrow().table.keys();
    let all = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let spread = spread.min(LONGEST_PAUSE.saturating_mul(all));
    let start = Instant::now();
    let mut steps = interval(STEP);
    let mut pace = Pace::new();
    let mut closed = 0;
    let mut left_to_others = Vec::new();
    while closed < keys.len() {
        steps.tick().await;
        let due = due(start.elapsed(), spread, keys.len()).max(closed);
        let left = |key: &Key| shard.borrow_mut().leave_to_others(*key);
        let (left, chunk): (Vec<Key>, Vec<Key>) =
            keys[closed..due].iter().partition(|key| left(key));
        left_to_others.extend(left);
        close_each(&shard, &chunk, Ended::Shutdown, Some(SHUTTING_DOWN), &mut pace).await;
        closed = due;
    }
    let end = Instant::now() + TAKE_OVER;
    while shard.borrow().are_away(&left_to_others) && Instant::now() < end {
        steps.tick().await;
    }
    // The caller may be gone.
    let _ = done.send(keys.len());
}

/// How many of `all` connections have to be closed after `elapsed` of the spread.
fn due(elapsed: Duration, spread: Duration, all: usize) -> usize {
    if elapsed >= spread {
        return all;
    }
    let part = elapsed.as_micros() * all as u128 / spread.as_micros().max(1);
    // The connection whose turn begins now is due too.
    usize::try_from(part).unwrap_or(all).saturating_add(1).min(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_due_evenly_and_all_of_them_at_the_end() {
        let at = |millis| due(Duration::from_millis(millis), Duration::from_secs(1), 10);
        assert_eq!([at(0), at(99), at(100), at(950), at(1000), at(5000)], [1, 1, 2, 10, 10, 10]);
        assert_eq!(due(Duration::ZERO, Duration::ZERO, 10), 10);
        assert_eq!(due(Duration::ZERO, Duration::from_nanos(1), 0), 0);
    }
}
