//! Telling all clients to come back, over a time, so that they do not all come at once.

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

/// A shard closes a connection after this time at the latest, if the spread allows it, so that few
/// connections do not take the whole of it.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// How often the shard looks how many are due.
const STEP: Duration = Duration::from_millis(10);

/// Closes every connection that is there now, evenly over `spread` or less. The first is closed at
/// once. `done` gets how many there were.
pub(super) async fn close_over(shard: SharedShard, spread: Duration, done: oneshot::Sender<usize>) {
    let keys: Vec<Key> = shard.borrow().table.keys();
    let all = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let spread = spread.min(LONGEST_PAUSE.saturating_mul(all));
    let start = Instant::now();
    let mut steps = interval(STEP);
    let mut pace = Pace::new();
    let mut closed = 0;
    while closed < keys.len() {
        steps.tick().await;
        let due = due(start.elapsed(), spread, keys.len()).max(closed);
        let chunk = &keys[closed..due];
        close_each(&shard, chunk, Ended::Shutdown, Some(SHUTTING_DOWN), &mut pace).await;
        closed = due;
    }
    // The asker may be gone.
    let _ = done.send(keys.len());
}

/// How many of `all` are to be closed once so much of the spread is over.
fn due(elapsed: Duration, spread: Duration, all: usize) -> usize {
    if elapsed >= spread {
        return all;
    }
    let part = elapsed.as_micros() * all as u128 / spread.as_micros().max(1);
    // The one whose turn begins now is due too.
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
