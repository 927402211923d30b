//! Callers and moving connections take turns. A caller carries out its command here and then
//! publishes it, and no connection may move between these two steps.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};

use crate::broker::Down;

/// How long callers and connections may have to wait.
pub(super) const HELD: Duration = Duration::from_millis(250);

/// Decides whether callers or moving connections have their turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    lock: Arc<RwLock<()>>,
    /// The turn of moving connections, for as long as one of them needs it. The lock is held while
    /// callers finish the work that they began.
    standing: Mutex<Weak<OwnedRwLockWriteGuard<()>>>,
}

/// While this exists, callers wait. Moving connections do not wait for each other.
pub(super) type StandStill = Arc<OwnedRwLockWriteGuard<()>>;

impl Turn {
    /// Lets a caller begin. If it would have to wait too long, it begins anyway. Its message may
    /// then miss a client that moves at this moment, or reach it twice.
    pub(super) async fn begin(&self) -> Option<OwnedRwLockReadGuard<()>> {
        match Arc::clone(&self.lock).try_read_owned() {
            Ok(turn) => Some(turn),
            Err(_) => timeout(HELD, Arc::clone(&self.lock).read_owned()).await.ok(),
        }
    }

    /// Waits for the callers that have begun, and lets no new caller begin.
    pub(super) async fn stand_still(&self) -> Result<StandStill, Down> {
        let mut standing = self.standing.lock().await;
        if let Some(turn) = standing.upgrade() {
            return Ok(turn);
        }
        let turn = timeout(HELD, Arc::clone(&self.lock).write_owned()).await.map_err(|_| Down)?;
        let turn = Arc::new(turn);
        *standing = Arc::downgrade(&turn);
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_wait_for_callers_and_callers_for_all_connections() {
        let turn = Turn::default();
        let caller = turn.begin().await;
        assert!(caller.is_some());
        let mut standing = pin!(turn.stand_still());
        assert!(poll!(standing.as_mut()).is_pending());
        drop(caller);
        let one = standing.await.unwrap();
        let other = turn.stand_still().await.unwrap();
        let mut caller = pin!(turn.begin());
        assert!(poll!(caller.as_mut()).is_pending());
        drop(one);
        assert!(poll!(caller.as_mut()).is_pending());
        drop(other);
        assert!(caller.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let turn = Turn::default();
        let standing = turn.stand_still().await;
        assert!(turn.begin().await.is_none());
        drop(standing);
        let _caller = turn.begin().await;
        assert_eq!(turn.stand_still().await.unwrap_err(), Down);
    }
}
