//! The nodes of a cluster, as the broker lists them.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::{
    channels::Channels,
    connect::{self, BrokerError},
    node::NodeId,
    settings::BrokerSettings,
};

/// The fields of [`About`](super::About) that are shown.
const FIELDS: [&str; 6] = ["version", "started", "address", "connections", "lag", "left_out"];

/// The data that a node reported with its last beat. It sends two beats a second.
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
        let unusable = |_| BrokerError::Unusable;
        let mut asked = Pipeline::with_capacity(2);
        asked.cmd("TIME").cmd("ZRANGE").arg(channels.nodes_key()).arg(0).arg(-1).arg("WITHSCORES");
        let answers = connection.send_packed_commands(&asked, 0, 2).await.map_err(unusable)?;
        let [now, beats] = <[Value; 2]>::try_from(answers).map_err(|_| BrokerError::Unusable)?;
        let (seconds, micros): (u64, u64) =
            redis::from_redis_value(now).map_err(|_| BrokerError::Unusable)?;
        let now = Duration::from_secs(seconds) + Duration::from_micros(micros);
        let beats: Vec<(String, f64)> =
            redis::from_redis_value(beats).map_err(|_| BrokerError::Unusable)?;
        let mut nodes = Vec::with_capacity(beats.len());
        let mut asked = Pipeline::with_capacity(beats.len());
        for (name, beat) in beats {
            let Some(node) = NodeId::parse(&name) else { continue };
            asked.cmd("HMGET").arg(channels.node_key(node)).arg(FIELDS.as_slice());
            nodes.push((name, Duration::try_from_secs_f64(beat / 1000.0).unwrap_or_default()));
        }
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        let about = connection.send_packed_commands(&asked, 0, nodes.len()).await;
        let mut all = Vec::with_capacity(nodes.len());
        for ((name, beat), about) in nodes.into_iter().zip(about.map_err(unusable)?) {
            let Value::Array(about) = about else { return Err(BrokerError::Unusable) };
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
