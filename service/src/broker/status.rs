//! The nodes of a cluster, as the broker lists them.

use std::time::Duration;

use redis::Value;

use super::{
    channels::Channels,
    connect::{self, BrokerError},
    node::NodeId,
    settings::BrokerSettings,
};

/// The data that a node reported with its last beat. It sends a beat each second.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStatus {
    /// The name of the node. Each start has a new name.
    pub node: String,
    /// The version of the service.
    pub version: String,
    /// The address on which it listens.
    pub address: String,
    /// How long ago it started.
    pub up: Duration,
    /// How long ago its last beat was. After 5 s the node counts as gone.
    pub seen: Duration,
    /// The number of its open connections.
    pub connections: u64,
    /// How long the broker took for the beat before the last one.
    pub lag: Duration,
    /// The frames of other nodes that it dropped: too old, too many, or unreadable.
    pub left_out: u64,
}

impl BrokerSettings {
    /// The nodes of the cluster, ordered by name.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] if the broker cannot be used.
    pub async fn nodes(&self) -> Result<Vec<NodeStatus>, BrokerError> {
        let channels = Channels::new(self.prefix());
        let mut connection = connect::publisher(self).await?;
        let time = redis::cmd("TIME");
        let mut list = redis::cmd("ZRANGE");
        list.arg(channels.nodes_key()).arg(0).arg(-1).arg("WITHSCORES");
        let unusable = |_| BrokerError::Unusable;
        let now = connection.send_packed_command(&time).await.map_err(unusable)?;
        let (seconds, micros): (u64, u64) =
            redis::from_redis_value(now).map_err(|_| BrokerError::Unusable)?;
        let now = Duration::from_secs(seconds) + Duration::from_micros(micros);
        let nodes = connection.send_packed_command(&list).await.map_err(unusable)?;
        let nodes: Vec<(String, f64)> =
            redis::from_redis_value(nodes).map_err(|_| BrokerError::Unusable)?;
        let mut all = Vec::with_capacity(nodes.len());
        for (name, beat) in nodes {
            let Some(node) = NodeId::parse(&name) else { continue };
            let mut about = redis::cmd("HMGET");
            about.arg(channels.node_key(node));
            about.arg(
                ["version", "started", "address", "connections", "lag", "left_out"].as_slice(),
            );
            let about = connection.send_packed_command(&about).await.map_err(unusable)?;
            let Value::Array(about) = about else { return Err(BrokerError::Unusable) };
            let beat = Duration::try_from_secs_f64(beat / 1000.0).unwrap_or_default();
            all.push(status(name, now, beat, &about));
        }
        all.sort_by(|one, other| one.node.cmp(&other.node));
        Ok(all)
    }
}

fn status(node: String, now: Duration, beat: Duration, about: &[Value]) -> NodeStatus {
    let text = |index: usize| match about.get(index) {
        Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let number = |index| text(index).parse().unwrap_or(0);
    NodeStatus {
        node,
        version: text(0),
        up: now.saturating_sub(Duration::from_secs(number(1))),
        address: text(2),
        seen: now.saturating_sub(beat),
        connections: number(3),
        lag: Duration::from_micros(number(4)),
        left_out: number(5),
    }
}
