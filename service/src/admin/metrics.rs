//! `/metrics`, in Prometheus' text format. Nothing is added up before somebody asks.

use std::{collections::HashMap, io, time::Duration};

use prometheus::{Encoder, TextEncoder, proto::MetricFamily};
use signalr_serverless::HubName;
use tokio::task::spawn_blocking;

use super::{broker, hub_names::OTHER, samples::Samples, view::View};
use crate::{
    carrier::ByEncoding,
    hub::counts::{ShardReport, TargetKind},
    limits,
    refused::Refused,
    session::Ended,
};

pub(super) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;
/// How long a shard may take to say what it counted. Prometheus waits for 10 seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// All metrics as they are now.
pub(super) async fn text(view: &View) -> io::Result<Vec<u8>> {
    let shards = view.state.hubs.report(PATIENCE).await;
    let mut families = view.state.timings.families();
    families.extend(connections(view, &shards).into_iter().filter_map(Samples::family));
    families.extend(messages(view, &shards).into_iter().filter_map(Samples::family));
    families.extend(app_servers(view).into_iter().filter_map(Samples::family));
    families.extend(broker::samples(view).into_iter().filter_map(Samples::family));
    families.extend(machinery(view, &shards).into_iter().filter_map(Samples::family));
    // The process's open files are counted one by one.
    families.extend(spawn_blocking(process).await.unwrap_or_default());
    families.retain(|family| !family.get_metric().is_empty());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    let mut text = Vec::new();
    TextEncoder::new().encode(&families, &mut text).map_err(io::Error::other)?;
    Ok(text)
}

fn connections(view: &View, shards: &[ShardReport]) -> Vec<Samples> {
    let counters = &view.state.counters;
    let ended = |reason| shards.iter().map(|shard| shard.counts.ended.get(reason)).sum();
    let sockets = counters.sockets();
    let refused = Refused::ALL.into_iter().map(|reason| {
        let count = counters.refused_for(reason);
        let of_sockets = match reason {
            Refused::Sockets => sockets.refused,
            // Those that a proxy names are among them.
            Refused::Address => sockets.refused_of_address.saturating_sub(count),
            _ => 0,
        };
        (reason.name(), count.saturating_add(of_sockets))
    });
    let sum = |count: fn(&ShardReport) -> u64| shards.iter().map(count).sum();
    vec![
        open(view, shards),
        Samples::counter("signalr_connections_made_total", "Transports that came about.")
            .with(&[], counters.made()),
        Samples::counter("signalr_connections_ended_total", "Connections that ended, by reason.")
            .with_each("reason", Ended::ALL.map(|reason| (reason.name(), ended(reason)))),
        Samples::counter(
            "signalr_connections_refused_total",
            "Requests and sockets of clients that were refused, by reason.",
        )
        .with_each("reason", refused),
        Samples::counter(
            "signalr_reconnects_total",
            "Connections whose clients came back to them after a break, and those whose clients did not.",
        )
        .with(&[("outcome", "won")], sum(|shard| shard.counts.reconnects_won))
        .with(&[("outcome", "lost")], sum(|shard| shard.counts.reconnects_lost)),
    ]
}

/// The open connections. Hubs beyond a number have one name together.
fn open(view: &View, shards: &[ShardReport]) -> Samples {
    let mut by_hub: HashMap<&HubName, ByEncoding<u64>> = HashMap::new();
    for (hub, counts) in shards.iter().flat_map(|shard| &shard.counts.open) {
        let all = by_hub.entry(hub).or_default();
        add(all, counts);
    }
    let sizes = by_hub.iter().map(|(hub, counts)| {
        let size = counts.iter().map(|(_, count)| count).sum();
        ((*hub).clone(), size)
    });
    let named = view.hub_names.of(&sizes.collect());
    let mut others = ByEncoding::default();
    let mut shown: Vec<(&str, ByEncoding<u64>)> = Vec::new();
    for (hub, counts) in by_hub {
        if named.contains(hub) {
            shown.push((hub.as_str(), counts));
        } else {
            add(&mut others, &counts);
        }
    }
    shown.sort_unstable_by_key(|(hub, _)| *hub);
    shown.push((OTHER, others));
    let help = "Open connections whose handshake is done, by hub, transport and protocol.";
    let mut samples = Samples::gauge("signalr_connections", help);
    for (hub, counts) in &shown {
        // Only what is there, except that the metric itself is always there.
        for (encoding, count) in counts.iter().filter(|(_, count)| **count > 0 || *hub == OTHER) {
            let (transport, protocol) = (encoding.transport.name(), encoding.protocol.name());
            let labels = [("hub", *hub), ("transport", transport), ("protocol", protocol)];
            samples = samples.with(&labels, *count);
        }
    }
    samples
}

fn add(sum: &mut ByEncoding<u64>, counts: &ByEncoding<u64>) {
    for (encoding, count) in counts.iter() {
        *sum.get_mut(encoding) += count;
    }
}

fn messages(view: &View, shards: &[ShardReport]) -> Vec<Samples> {
    let (counters, taken) = (&view.state.counters, &view.state.hubs.taken);
    let sum = |count: fn(&ShardReport) -> u64| shards.iter().map(count).sum();
    let sent = |kind| shards.iter().map(move |shard| shard.counts.sent.get(kind));
    let each =
        |count: &dyn Fn(TargetKind) -> u64| TargetKind::ALL.map(|kind| (kind.name(), count(kind)));
    vec![
        Samples::counter("signalr_messages_total", "Messages taken, by kind of target.")
            .with_each("target", each(&|kind| taken.get(kind).0)),
        Samples::counter("signalr_message_bytes_total", "Bytes of messages taken.")
            .with_each("target", each(&|kind| taken.get(kind).1)),
        Samples::counter(
            "signalr_deliveries_total",
            "Messages to clients, each counted once for each connection.",
        )
        .with_each("target", each(&|kind| sent(kind).map(|sent| sent.deliveries).sum())),
        Samples::counter("signalr_delivery_bytes_total", "Bytes of deliveries with their frames.")
            .with_each("target", each(&|kind| sent(kind).map(|sent| sent.bytes).sum())),
        Samples::counter("signalr_client_messages_total", "What clients sent, by kind.")
            .with(&[("kind", "call")], sum(|shard| shard.counts.received.calls))
            .with(&[("kind", "result")], sum(|shard| shard.counts.received.results)),
        Samples::counter("signalr_client_bytes_total", "Bytes of messages from clients.")
            .with(&[], sum(|shard| shard.counts.received.bytes)),
        Samples::counter(
            "signalr_slow_clients_closed_total",
            "Clients that were closed as too slow.",
        )
        .with(&[], counters.slow_clients_closed()),
        Samples::gauge("signalr_held_bytes", "Bytes that are held for all clients.")
            .with(&[], counters.queued_bytes() as u64),
    ]
}

/// The app servers and what they say.
fn app_servers(view: &View) -> Vec<Samples> {
    let counts = view.state.app_servers.counts();
    vec![
        Samples::gauge("signalr_server_connections", "Connections of app servers, by kind.")
            .with(&[("kind", "default")], counts.default)
            .with(&[("kind", "on_demand")], counts.on_demand)
            .with(&[("kind", "weak")], counts.weak),
        Samples::gauge("signalr_server_clients", "Clients that app servers have.")
            .with(&[], counts.clients),
        Samples::counter("signalr_server_messages_total", "Messages of app servers and to them.")
            .with(&[("direction", "received")], counts.received)
            .with(&[("direction", "sent")], counts.sent),
        Samples::gauge("signalr_server_waiting_bytes", "Bytes that wait for app servers.")
            .with(&[], counts.waiting_bytes),
        Samples::counter(
            "signalr_server_clients_lost_total",
            "Clients that ended since the connection of their app server did.",
        )
        .with(&[], counts.lost_clients),
    ]
}

/// What is under the messages: limits, shards, upstreams, the build.
fn machinery(view: &View, shards: &[ShardReport]) -> Vec<Samples> {
    let (state, counters) = (&view.state, &view.state.counters);
    let limits = limits::all(state, view.upstream.as_ref());
    let lag = "How long a question to the shard waited for its turn at this scrape.";
    let lags = shards.iter().enumerate().fold(
        Samples::gauge("signalr_shard_lag_seconds", lag),
        |samples, (index, shard)| {
            samples.with_float(&[("shard", &index.to_string())], shard.lag.as_secs_f64())
        },
    );
    let mut all = vec![
        lags,
        Samples::gauge("signalr_limit", "Limits of the whole service.")
            .with_each("limit", limits.iter().map(|limit| (limit.name, limit.most))),
        Samples::gauge("signalr_limit_used", "How much of each limit is in use.")
            .with_each("limit", limits.iter().map(|limit| (limit.name, limit.used))),
        Samples::gauge("signalr_ready", "Whether /ready is 200.")
            .with(&[], u64::from(limits::not_ready(state).is_none())),
        Samples::gauge("signalr_build_info", "The version that runs.")
            .with(&[("version", env!("CARGO_PKG_VERSION"))], 1),
        Samples::counter(
            "signalr_calls_refused_total",
            "REST calls refused, as too many were under way.",
        )
        .with(&[], counters.calls_refused()),
        Samples::counter(
            "signalr_upstream_dropped_total",
            "Events that no upstream was told of, and answers that no client got: too many, or the \
             client's node was away.",
        )
        .with(&[("what", "event")], counters.upstream_events_left_out())
        .with(&[("what", "answer")], counters.upstream_answers_left_out()),
    ];
    if let Some(upstream) = &view.upstream {
        let waiting = upstream.waiting();
        let help = "Events that wait for upstreams or are under way to them.";
        all.push(Samples::gauge("signalr_upstream_events", help).with(&[], waiting.events as u64));
    }
    all
}

/// Open files, CPU time and memory.
#[cfg(target_os = "linux")]
fn process() -> Vec<MetricFamily> {
    use prometheus::{core::Collector, process_collector::ProcessCollector};

    ProcessCollector::for_self().collect()
}

/// Nothing is known about the process here.
#[cfg(not(target_os = "linux"))]
fn process() -> Vec<MetricFamily> {
    Vec::new()
}
