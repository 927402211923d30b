//! Each node reports twice a second that it is running. A node that stops reporting is cut off, so
//! that no question waits for its answer.

use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use redis::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{
    Broker, Channel, Interest, Script, about::About, frame::Kind, health::Down, inbox::Inbox,
    node::NodeId,
};

const EACH: Duration = Duration::from_millis(500);
/// After this time the node sends the Hello again that the broker did not accept.
const HELLO_AGAIN: Duration = Duration::from_millis(100);
/// A node without a beat for this many milliseconds counts as gone.
const LIMIT: &str = "5000";

/// Reports that this node is running, and learns which other nodes are.
pub(super) struct Beats {
    broker: Broker,
    inbox: Inbox,
    about: About,
    /// How long the broker took for the last beat.
    lag: Duration,
    /// The node's own channels.
    _own: [Interest; 2],
}

impl Beats {
    pub(super) fn new(broker: Broker, about: About, inbox: Inbox, own: [Interest; 2]) -> Self {
        Self { broker, inbox, about, lag: Duration::ZERO, _own: own }
    }

    /// Sends the first beat and the Hello.
    pub(super) async fn first(&mut self) -> Result<(), Down> {
        self.beat().await?;
        self.broker.hello().await
    }

    pub(super) async fn run(mut self) {
        let mut beats = interval(EACH);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let health = self.broker.0.health.clone();
        let mut has_greeted = true;
        loop {
            tokio::select! {
                _ = beats.tick() => {
                    // The next beat comes soon.
                    let _ = self.beat().await;
                }
                () = health.came_back() => has_greeted = self.broker.hello().await.is_ok(),
                () = sleep(HELLO_AGAIN), if !has_greeted => {
                    has_greeted = self.broker.hello().await.is_ok();
                }
                asking = health.asked() => {
                    for node in asking {
                        self.broker.answer_hello(node);
                    }
                }
            }
        }
    }

    /// Sends a beat, and notes the other nodes that are running.
    async fn beat(&mut self) -> Result<(), Down> {
        let broker = self.broker.clone();
        let (channels, node) = (broker.channels(), broker.node());
        let keys = [channels.nodes_key(), channels.node_key(node)];
        let name = node.to_string();
        let node_keys = channels.node_keys();
        let about = self.about.fields(&self.inbox.connection(), self.lag, self.inbox.left_out());
        let mut arguments = vec![name.as_bytes(), LIMIT.as_bytes(), &node_keys];
        arguments.extend(about.iter().map(String::as_bytes));
        let asked = Instant::now();
        let answer = broker.run(Script::Beat, &keys, &arguments).await?;
        self.lag = asked.elapsed();
        broker.0.counts.lag(self.lag);
        let Value::Array(answer) = answer else { return Err(Down) };
        let [Value::Int(now), Value::Array(there), Value::Array(frozen)] = answer.as_slice() else {
            return Err(Down);
        };
        broker.0.clock.set(u64::try_from(*now).unwrap_or(0), self.lag);
        for connection in frozen {
            self.cut_off(connection).await?;
        }
        let names = there.iter().filter_map(|value| match value {
            Value::BulkString(name) => NodeId::parse(std::str::from_utf8(name).ok()?),
            _ => None,
        });
        let others: HashSet<NodeId> = names.filter(|one| *one != node).collect();
        broker.0.health.listed(others);
        Ok(())
    }

    /// Ends the connection of a node that has sent no beat for too long, so that it gets no more
    /// questions. If the node continues, it subscribes again.
    async fn cut_off(&self, connection: &Value) -> Result<(), Down> {
        let Value::BulkString(id) = connection else { return Ok(()) };
        tracing::warn!("a node that does not answer is cut off from the broker");
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("ID").arg(id).arg("TYPE").arg("pubsub");
        match self.broker.command(kill).await {
            Ok(_) => Ok(()),
            Err(Down) if self.broker.is_up() => Ok(()),
            Err(down) => Err(down),
        }
    }
}

/// Removes this node from the list, and reports this to the other nodes.
pub(super) async fn leave(broker: &Broker) -> Result<(), Down> {
    broker.publish(Channel::All, &broker.frame(Kind::Bye, Bytes::new()))?;
    let mut remove = redis::cmd("ZREM");
    remove.arg(broker.channels().nodes_key()).arg(broker.node().to_string());
    let _ = broker.command(remove).await?;
    let mut delete = redis::cmd("DEL");
    delete.arg(broker.channels().node_key(broker.node()));
    broker.command(delete).await.map(drop)
}
