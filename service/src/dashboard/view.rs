//! The state of the dashboard's handlers.

use std::{net::SocketAddr, sync::Arc};

use super::{
    attempts::Attempts, files::DashboardPage, history::History, nodes::Nodes, sizes::Sizes,
};
use crate::{broker::BrokerSettings, state::State, upstream::Upstream};

/// The state that the dashboard's handlers share.
pub(crate) struct Dashboard {
    pub(super) state: Arc<State>,
    pub(super) upstream: Option<Upstream>,
    pub(super) page: DashboardPage,
    pub(super) place: Place,
    pub(super) attempts: Attempts,
    pub(super) history: History,
    pub(super) sizes: Sizes,
    pub(super) nodes: Nodes,
}

/// The address of the service for clients and other nodes.
pub(crate) struct Place {
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) broker: Option<BrokerSettings>,
}

impl Dashboard {
    pub(crate) fn new(
        state: Arc<State>,
        upstream: Option<Upstream>,
        page: DashboardPage,
        place: Place,
    ) -> Self {
        let nodes = Nodes::new(place.broker.clone());
        let (attempts, history) = (Attempts::default(), History::default());
        Self { state, upstream, page, place, attempts, history, sizes: Sizes::default(), nodes }
    }

    /// Keeps the history until it is dropped.
    pub(crate) async fn keep_history(&self) {
        self.history.keep(&self.state).await;
    }
}
