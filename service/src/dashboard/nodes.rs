//! The nodes of a cluster, as the broker lists them.

use std::time::Duration;

use serde::Serialize;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::broker::{BrokerSettings, NodeStatus};

/// How long the list of nodes is used.
const GOOD_FOR: Duration = Duration::from_secs(2);
/// How long the broker may take to list them.
const PATIENCE: Duration = Duration::from_secs(3);

/// A node, from its last sign.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    name: String,
    version: String,
    address: String,
    uptime_seconds: u64,
    seen_seconds: f64,
    connections: u64,
    lag_milliseconds: f64,
}

/// The last list of the nodes.
pub(super) struct Nodes {
    broker: Option<BrokerSettings>,
    // Held while the broker is asked, so that many viewers ask only once.
    last: Mutex<Option<(Instant, Option<Vec<Node>>)>>,
}

impl Nodes {
    pub(super) fn new(broker: Option<BrokerSettings>) -> Self {
        Self { broker, last: Mutex::default() }
    }

    /// `None` if the broker cannot be asked.
    pub(super) async fn get(&self) -> Option<Vec<Node>> {
        let Some(broker) = &self.broker else { return Some(Vec::new()) };
        let mut last = self.last.lock().await;
        if let Some((at, nodes)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return nodes.clone();
        }
        let listed = timeout(PATIENCE, broker.nodes()).await.ok();
        let nodes = listed.and_then(Result::ok);
        let nodes: Option<Vec<Node>> =
            nodes.map(|nodes| nodes.into_iter().map(Node::from).collect());
        *last = Some((Instant::now(), nodes.clone()));
        nodes
    }
}

impl From<NodeStatus> for Node {
    fn from(status: NodeStatus) -> Self {
        Self {
            name: status.node,
            version: status.version,
            address: status.address,
            uptime_seconds: status.up.as_secs(),
            seen_seconds: status.seen.as_secs_f64(),
            connections: status.connections,
            lag_milliseconds: status.lag.as_secs_f64() * 1000.0,
        }
    }
}
