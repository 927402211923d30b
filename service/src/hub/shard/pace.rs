//! How long a shard works before other work gets a turn.

use tokio::task::yield_now;

/// How many connections are processed before other work gets a turn.
pub(super) const CHUNK: usize = 128;

/// Counts the work of a shard's queue, and lets the shard's other tasks run in between.
pub(super) struct Pace {
    left: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: CHUNK }
    }

    /// Call this before each piece of work, with the number of connections that the work concerns.
    pub(super) async fn spend(&mut self, connections: usize) {
        if self.left == 0 {
            yield_now().await;
            self.left = CHUNK;
        }
        self.left = self.left.saturating_sub(connections.max(1));
    }
}
