//! Measures the cost of subscriptions when connections come and go.

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
/// Reports the CPU time of one visit. The time that only the clock and the idle node take is
/// measured before, and does not count.
pub(crate) async fn visits(broker: &str, pid: &str, count: usize) -> Result<Value, Failed> {
    let node = Node::start(broker).await?;
    let idle = micros_of_each(pid, count, None).await?;
    let busy = micros_of_each(pid, count, Some(&node)).await?;
    Ok(serde_json::json!({
        "node_micros": busy.0 - idle.0,
        "broker_micros": busy.1 - idle.1,
    }))
}

/// The CPU time of this process and of the broker for each visit of `visited`, or for the clock alone.
async fn micros_of_each(
    broker: &str,
    count: usize,
    visited: Option<&Node>,
) -> Result<(f64, f64), Failed> {
    let now = || Ok::<_, Failed>((process::cpu("self")?, process::cpu(broker)?));
    let before = now()?;
    let mut ticks = interval(EACH);
    // A late visit does not make the others come together.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..count {
        ticks.tick().await;
        if let Some(node) = visited {
            node.visit(number).await?;
        }
    }
    sleep(LINGER).await;
    let after = now()?;
    let each = |after: f64, before: f64| (after - before) * 1e6 / count as f64;
    Ok((each(after.0, before.0), each(after.1, before.1)))
}
