//! What the subscriptions of connections cost that come and go.

use std::time::Duration;

use serde_json::Value;
use signalr_service::measured::{Failed, Node};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::process;

/// How often a connection comes.
const EACH: Duration = Duration::from_millis(1);
/// A node keeps a subscription for a while. After this time the last ones are over.
const LINGER: Duration = Duration::from_secs(7);

/// Subscribes the channels of a connection and its user, and gives them up, 1,000 times a second.
/// Reports the CPU time of one visit.
pub(crate) async fn visits(broker: &str, pid: &str, count: usize) -> Result<Value, Failed> {
    let node = Node::start(broker).await?;
    let before = (process::cpu("self")?, process::cpu(pid)?);
    let mut ticks = interval(EACH);
    // A late visit does not make the others come together.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..count {
        ticks.tick().await;
        node.visit(number).await?;
    }
    sleep(LINGER).await;
    let micros = |after: f64, before: f64| (after - before) * 1e6 / count as f64;
    Ok(serde_json::json!({
        "node_micros": micros(process::cpu("self")?, before.0),
        "broker_micros": micros(process::cpu(pid)?, before.1),
    }))
}
