//! Calls that wait for the broker: questions, and changes that the broker keeps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use serde_json::Value;
use signalr_service::measured::{Failed, Node};
use tokio::task::JoinSet;

/// Asks for users who are nowhere.
pub(crate) async fn absent(broker: &str, count: usize) -> Result<Value, Failed> {
    let node = Node::start(broker).await?;
    let mut micros = Vec::with_capacity(count);
    for number in 0..count {
        let begin = Instant::now();
        if node.has(number).await? {
            return Err("a user is there".into());
        }
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(quantiles(micros))
}

/// Puts users into a group, one after the other, and then so many at the same time.
pub(crate) async fn add(broker: &str, count: usize, in_flight: usize) -> Result<Value, Failed> {
    let node = Arc::new(Node::start(broker).await?);
    let mut micros = Vec::new();
    for number in 0..count / 10 {
        let begin = Instant::now();
        node.add(number).await?;
        micros.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (node, next) = (Arc::clone(&node), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= count {
                    return Ok::<_, Failed>(());
                }
                node.add(number).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let mut report = quantiles(micros);
    report["adds_a_second"] = (count as f64 / begin.elapsed().as_secs_f64()).into();
    Ok(report)
}

fn quantiles(mut micros: Vec<f64>) -> Value {
    micros.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| micros.get((micros.len() as f64 * share) as usize);
    serde_json::json!({ "p50": at(0.5), "p99": at(0.99) })
}
