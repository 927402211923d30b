//! Whether the broker can be reached.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::counts::Counts;

/// After the broker comes back, how long other nodes may need to subscribe again.
const SETTLING: Duration = Duration::from_secs(5);

/// The broker cannot be reached, or it accepts less than is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker between the nodes is away; try again later")]
pub(crate) struct Down;

/// Whether the broker can be reached. All clones share the same state.
#[derive(Clone, Debug)]
pub(super) struct Health(Arc<Mutex<State>>, Counts);

#[derive(Debug)]
struct State {
    publishes: bool,
    subscribes: bool,
    /// Whether the broker is lost now.
    lost: bool,
    /// Until when other nodes may need to subscribe again. `None` before the first loss, because no
    /// node can be missing then.
    settles: Option<Instant>,
}

impl Health {
    pub(super) fn new(counts: Counts) -> Self {
        let state = State { publishes: true, subscribes: true, lost: false, settles: None };
        Self(Arc::new(Mutex::new(state)), counts)
    }

    /// Whether frames can be sent and received.
    pub(super) fn is_up(&self) -> bool {
        let state = self.lock();
        state.publishes && state.subscribes
    }

    /// Whether the other nodes have had enough time to subscribe again since the broker came back.
    pub(super) fn is_settled(&self) -> bool {
        let mut state = self.lock();
        if state.settles.is_some_and(|until| Instant::now() >= until) {
            state.settles = None;
        }
        state.settles.is_none() && !state.lost
    }

    /// Notes that every node that was known before is back.
    pub(super) fn settled(&self) {
        let mut state = self.lock();
        if !state.lost {
            state.settles = None;
        }
    }

    pub(super) fn publishes(&self, does: bool) {
        self.change(|state| state.publishes = does);
    }

    pub(super) fn subscribes(&self, does: bool) {
        self.change(|state| state.subscribes = does);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let is_up = state.publishes && state.subscribes;
        if !is_up && !state.lost {
            tracing::warn!("the broker is away");
            state.lost = true;
        } else if is_up && state.lost {
            tracing::info!("the broker is back");
            self.1.came_back();
            state.lost = false;
            state.settles = Some(Instant::now() + SETTLING);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_came_back_settles() {
        let health = Health::new(Counts::default());
        assert!(health.is_up() && health.is_settled());
        health.publishes(false);
        health.subscribes(false);
        health.publishes(true);
        assert!(!health.is_up() && !health.is_settled());
        health.subscribes(true);
        assert!(health.is_up() && !health.is_settled());
        advance(SETTLING).await;
        assert!(health.is_settled());
    }
}
