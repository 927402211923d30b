//! The history of the last hour: a point every few seconds, in a ring.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use signalr_serverless::HubName;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    hub::counts::{ShardReport, TargetKind},
    session::Ended,
    state::State,
    timings::CallTimes,
};

/// The time between two points.
pub(super) const STEP: Duration = Duration::from_secs(5);
/// How many points there are: an hour.
const POINTS: usize = 720;
/// How long a shard may take to report its counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// The points, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    // Both locks are held for short synchronous sections only.
    points: Mutex<VecDeque<Point>>,
    /// The messages of each hub per second, at the last point.
    by_hub: Mutex<HashMap<HubName, f64>>,
}

/// The service at one time, and its rates per second since the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point {
    /// The time in seconds since 1970.
    time: u64,
    connections: u64,
    held_bytes: u64,
    opened: f64,
    closed: f64,
    /// Accepted messages, by kind of target.
    messages: f64,
    to_hubs: f64,
    to_groups: f64,
    to_users: f64,
    to_connections: f64,
    deliveries: f64,
    delivery_bytes: f64,
    /// Messages from clients.
    client_messages: f64,
    /// REST calls.
    calls: f64,
    /// The duration of REST calls, in milliseconds: the mean, and a bound for 99 of 100.
    call_mean: Option<f64>,
    call_p99: Option<f64>,
    /// How long a question waited in the slowest shard, in milliseconds.
    lag: f64,
}

/// The counts up to one time.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    opened: u64,
    closed: u64,
    taken: [u64; TargetKind::ALL.len()],
    deliveries: u64,
    delivery_bytes: u64,
    client_messages: u64,
    times: CallTimes,
}

impl Totals {
    fn of(state: &State, shards: &[ShardReport]) -> Self {
        let sum = |count: fn(&ShardReport) -> u64| shards.iter().map(count).sum();
        let sent = |count: fn(&ShardReport, TargetKind) -> u64| {
            let each = |shard| TargetKind::ALL.map(|kind| count(shard, kind)).iter().sum::<u64>();
            shards.iter().map(each).sum()
        };
        Self {
            opened: state.counters.made(),
            closed: sum(|shard| Ended::ALL.map(|why| shard.counts.ended.get(why)).iter().sum()),
            taken: TargetKind::ALL.map(|kind| state.hubs.taken.get(kind).0),
            deliveries: sent(|shard, kind| shard.counts.sent.get(kind).deliveries),
            delivery_bytes: sent(|shard, kind| shard.counts.sent.get(kind).bytes),
            client_messages: sum(|shard| {
                shard.counts.received.calls.saturating_add(shard.counts.received.results)
            }),
            times: state.timings.so_far(),
        }
    }

    fn taken(&self, kind: TargetKind) -> u64 {
        self.taken[kind as usize]
    }
}

impl History {
    /// Adds a point at each step.
    pub(super) async fn keep(&self, state: &State) {
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: Option<(Instant, Totals)> = None;
        loop {
            steps.tick().await;
            let shards = state.hubs.report(PATIENCE).await;
            let (now, totals) = (Instant::now(), Totals::of(state, &shards));
            if let Some((before, earlier)) = &last {
                let time = now.saturating_duration_since(*before);
                self.add(point(state, &shards, earlier, &totals, time));
                self.note_hubs(state.hubs.taken.take_by_hub(), time);
            }
            last = Some((now, totals));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is not an exact number")]
    fn note_hubs(&self, messages: HashMap<HubName, u64>, time: Duration) {
        let seconds = time.as_secs_f64().max(0.001);
        let rates = messages.into_iter().map(|(hub, count)| (hub, count as f64 / seconds));
        let rates = rates.collect();
        *self.by_hub.lock().unwrap_or_else(PoisonError::into_inner) = rates;
    }

    /// The messages of a hub per second.
    pub(super) fn rate_of(&self, hub: &HubName) -> f64 {
        let by_hub = self.by_hub.lock().unwrap_or_else(PoisonError::into_inner);
        by_hub.get(hub).copied().unwrap_or_default()
    }

    fn add(&self, point: Point) {
        let mut points = self.lock();
        if points.len() >= POINTS {
            points.pop_front();
        }
        points.push_back(point);
    }

    pub(super) fn newest(&self) -> Option<Point> {
        self.lock().back().copied()
    }

    /// The points that are later than `after`.
    pub(super) fn since(&self, after: u64) -> Vec<Point> {
        self.lock().iter().filter(|point| point.time > after).copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Point>> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn point(
    state: &State,
    shards: &[ShardReport],
    earlier: &Totals,
    now: &Totals,
    time: Duration,
) -> Point {
    #[expect(clippy::cast_precision_loss, reason = "a rate is not an exact number")]
    let rate =
        |earlier: u64, now: u64| now.saturating_sub(earlier) as f64 / time.as_secs_f64().max(0.001);
    let taken = |kind| rate(earlier.taken(kind), now.taken(kind));
    let lag = shards.iter().map(|shard| shard.lag).max().unwrap_or_default();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Point {
        time: since_1970.as_secs(),
        connections: state.counters.connections(),
        held_bytes: state.counters.queued_bytes() as u64,
        opened: rate(earlier.opened, now.opened),
        closed: rate(earlier.closed, now.closed),
        messages: TargetKind::ALL.map(taken).iter().sum(),
        to_hubs: taken(TargetKind::Hub) + taken(TargetKind::Filter),
        to_groups: taken(TargetKind::Group),
        to_users: taken(TargetKind::User),
        to_connections: taken(TargetKind::Connection),
        deliveries: rate(earlier.deliveries, now.deliveries),
        delivery_bytes: rate(earlier.delivery_bytes, now.delivery_bytes),
        client_messages: rate(earlier.client_messages, now.client_messages),
        calls: rate(earlier.times.calls, now.times.calls),
        call_mean: now.times.mean_since(&earlier.times).map(|seconds| seconds * 1000.0),
        call_p99: now.times.percentile_since(&earlier.times).map(|seconds| seconds * 1000.0),
        lag: lag.as_secs_f64() * 1000.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_leaves_an_hour() {
        let history = History::default();
        for time in 0..17_280 {
            history.add(Point { time: time * 5, ..Point::default() });
        }
        let points = history.since(0);
        assert_eq!((points.len(), points[0].time), (POINTS, 86_400 - 3600));
        assert_eq!(history.since(86_390).len(), 1);
        assert_eq!(history.newest().unwrap().time, 86_395);
    }
}
