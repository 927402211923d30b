//! Clients that stop reading, together with clients that read.

use std::{
    collections::HashMap,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::bar::at_most;
use crate::{
    Failure, Scale,
    client::{
        Transport,
        listener::{Listeners, many},
    },
    publisher::publish,
    service::Service,
};

const EACH: Duration = Duration::from_millis(100);
const BYTES: usize = 1000;
/// How late a message may be.
const BAR: Duration = Duration::from_secs(1);
/// How many MiB may wait for all clients together.
const QUEUED: usize = 64;

/// Thousands of clients read nothing. The others get everything in time, and the memory stays below
/// the [`formula`].
pub(super) async fn run(
    binary: &str,
    scale: Scale,
    transport: Transport,
) -> Result<String, Failure> {
    let queued = (QUEUED * 1024 * 1024).to_string();
    let flags = ["--max-queued-bytes-in-all", queued.as_str()];
    let variables = HashMap::from([("RUST_LOG", "error".to_owned())]);
    let service = Service::start(binary, &flags, &variables, Stdio::inherit()).await?;
    let mut healthy = Listeners::connect(&service.site, transport, scale.healthy).await?;
    let messages = scale.publishing.as_millis() / EACH.as_millis();
    let numbers = 0..u64::try_from(messages)?;
    let start = Instant::now();
    // These clients read from now on, because thousands of other clients take a while to connect.
    healthy.listen(numbers.clone(), start);
    let mut stalled = JoinSet::new();
    for client in many(&service.site, transport, scale.stalled, true).await? {
        stalled.spawn(client.stall());
    }
    let connected = service.memory()?;
    publish(&service.site, numbers, EACH, BYTES, start).await?;
    let latest = healthy.heard().await?;
    let peak = service.peak()?;
    drop(stalled);
    at_most("the latest message", latest, scale.bar(BAR))?;
    let connections = scale.healthy + scale.stalled;
    at_most("KiB of memory", peak, formula(transport, connections))?;
    Ok(format!(
        "{} stalled, {} healthy: latest message {} ms; {connected} KiB once connected, {peak} KiB \
         at most",
        scale.stalled,
        scale.healthy,
        latest.as_millis()
    ))
}

/// The most memory in KiB, by the formula in docs/reference/limits.md.
fn formula(transport: Transport, connections: usize) -> u64 {
    let each = match transport {
        Transport::WebSockets => 2,
        Transport::Events | Transport::Polls => 24,
    };
    let kib = 16 * 1024 + connections * each + QUEUED * 1024;
    kib.try_into().unwrap_or(u64::MAX)
}
