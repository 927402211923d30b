//! A store whose answers take a second of tokio's time, for tests of the time in between.

use std::time::Duration;

use tokio::time::sleep;

use super::memory::MemoryStore;

/// How long an answer takes.
pub(crate) const DELAY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct DelayedStore(MemoryStore);

impl DelayedStore {
    /// Asks the memory at once, and answers later.
    pub(super) async fn ask<T>(&self, question: impl FnOnce(&MemoryStore) -> T) -> T {
        let answer = question(&self.0);
        sleep(DELAY).await;
        answer
    }
}
