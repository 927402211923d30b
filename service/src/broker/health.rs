//! Whether the broker can be reached, and whether the other nodes can be reached through it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{counts::Counts, node::NodeId, peers::Peers};

/// After the broker comes back, how long other nodes may need to subscribe again.
const SETTLING: Duration = Duration::from_secs(5);

/// The broker cannot be reached, or it accepts less than is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker between the nodes is away; try again later")]
pub(crate) struct Down;

/// Whether the broker can be reached. All clones share the same state.
#[derive(Clone, Debug)]
pub(super) struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Held for short synchronous sections only.
    state: Mutex<State>,
    counts: Counts,
    came_back: Notify,
    asked: Notify,
}

#[derive(Debug)]
struct State {
    publishes: bool,
    subscribes: bool,
    /// Whether the broker is lost now.
    lost: bool,
    /// Until when missing nodes may need to subscribe again.
    settles: Option<Instant>,
    peers: Peers,
}

impl Health {
    pub(super) fn new(counts: Counts) -> Self {
        let peers = Peers::default();
        let state = State { publishes: true, subscribes: true, lost: false, settles: None, peers };
        let (came_back, asked) = (Notify::new(), Notify::new());
        Self(Arc::new(Inner { state: Mutex::new(state), counts, came_back, asked }))
    }

    /// Whether frames can be sent and received.
    pub(super) fn is_up(&self) -> bool {
        let state = self.lock();
        state.publishes && state.subscribes
    }

    /// Whether the other nodes have subscribed again since the broker came back, or have had enough
    /// time for it.
    pub(super) fn is_settled(&self) -> bool {
        let mut state = self.lock();
        if state.settles.is_some_and(|until| Instant::now() >= until) {
            state.settles = None;
            state.peers.settle();
        }
        !state.lost && state.peers.are_complete()
    }

    pub(super) fn publishes(&self, does: bool) {
        self.change(|state| state.publishes = does);
    }

    pub(super) fn subscribes(&self, does: bool) {
        self.change(|state| state.subscribes = does);
    }

    /// Waits until the broker has come back.
    pub(super) async fn came_back(&self) {
        self.0.came_back.notified().await;
    }

    /// Notes that a node is running and has its subscriptions. If it asks whether this node has
    /// its own, [`asked`](Self::asked) returns it.
    pub(super) fn appeared(&self, node: NodeId, asks: bool) {
        let mut state = self.lock();
        state.peers.appeared(node);
        if asks {
            state.peers.asks(node);
            self.0.asked.notify_one();
        }
    }

    /// Notes that a node has ended.
    pub(super) fn gone(&self, node: NodeId) {
        self.lock().peers.gone(node);
    }

    /// Notes the broker's list of the other nodes that are running.
    pub(super) fn listed(&self, nodes: HashSet<NodeId>) {
        self.lock().peers.listed(nodes);
    }

    /// Waits for nodes that ask whether this node has its subscriptions.
    pub(super) async fn asked(&self) -> HashSet<NodeId> {
        self.0.asked.notified().await;
        self.lock().peers.take_asking()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let is_up = state.publishes && state.subscribes;
        if !is_up && !state.lost {
            tracing::warn!("the broker is away");
            state.lost = true;
            state.settles = None;
            state.peers.lose();
        } else if is_up && state.lost {
            tracing::info!("the broker is back");
            self.0.counts.came_back();
            state.lost = false;
            state.settles = Some(Instant::now() + SETTLING);
            self.0.came_back.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const OTHER: NodeId = NodeId(1);

    fn with_another_node() -> Health {
        let health = Health::new(Counts::default());
        health.listed([OTHER].into());
        health
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_came_back_settles() {
        let health = with_another_node();
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

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_back_first_is_not_waited_for() {
        let health = with_another_node();
        health.subscribes(false);
        health.appeared(OTHER, true);
        assert!(!health.is_settled());
        health.subscribes(true);
        assert!(health.is_settled());
        assert_eq!(health.asked().await, [OTHER].into());
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_list_of_a_new_broker_does_not_settle() {
        let health = with_another_node();
        health.subscribes(false);
        health.subscribes(true);
        health.listed([].into());
        assert!(!health.is_settled());
        health.gone(OTHER);
        assert!(health.is_settled());
    }
}
