//! How long calls take, by what came of them. They are counted once for each call, not for each
//! delivery.

use std::{sync::OnceLock, time::Duration};

use prometheus::{Histogram, HistogramOpts, HistogramVec, core::Collector, proto::MetricFamily};
use signalr_serverless::rest::Operation;

/// The upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Templates behind this many have one name together.
const MOST_TEMPLATES: usize = 100;

/// The times of REST calls and of upstream calls.
#[derive(Debug)]
pub(crate) struct Timings {
    calls: HistogramVec,
    /// The times of the calls of each operation that succeeded, which are nearly all: the first status of a
    /// success and its part of `calls`. So they need not be looked for by their names.
    succeeded: Vec<OnceLock<(u16, Histogram)>>,
    upstream_calls: HistogramVec,
}

impl Timings {
    /// Notes a REST call, from its head to the head of its answer.
    pub(crate) fn called(&self, operation: Operation, status: u16, time: Duration) {
        let named = || {
            let (operation, status) = (operation_name(operation), status.to_string());
            self.calls.with_label_values(&[operation.as_str(), &status])
        };
        let place = self.succeeded.get(operation as usize).filter(|_| (200..300).contains(&status));
        match place.map(|place| place.get_or_init(|| (status, named()))) {
            Some((usual, times)) if *usual == status => times.observe(time.as_secs_f64()),
            _ => named().observe(time.as_secs_f64()),
        }
    }

    /// Notes a call of an upstream, with the wait for its turn. `outcome` is a status, or a word for a
    /// failure.
    pub(crate) fn upstream_called(&self, template: usize, outcome: &str, time: Duration) {
        let template =
            if template < MOST_TEMPLATES { template.to_string() } else { "other".to_owned() };
        let times = self.upstream_calls.with_label_values(&[template.as_str(), outcome]);
        times.observe(time.as_secs_f64());
    }

    /// How many REST calls there were so far, and how long they took.
    pub(crate) fn so_far(&self) -> CallTimes {
        let mut all = CallTimes::default();
        for family in self.calls.collect() {
            for metric in family.get_metric() {
                let histogram = metric.get_histogram();
                all.calls += histogram.get_sample_count();
                all.seconds += histogram.get_sample_sum();
                let buckets = histogram.get_bucket();
                for (sum, bucket) in all.within.iter_mut().zip(buckets) {
                    *sum += bucket.cumulative_count();
                }
            }
        }
        all
    }

    /// All of them.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        let mut families = self.calls.collect();
        families.extend(self.upstream_calls.collect());
        families
    }
}

/// The times of all REST calls since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallTimes {
    pub(crate) calls: u64,
    /// All of them together.
    pub(crate) seconds: f64,
    /// How many took no longer than each of the [bounds](BOUNDS).
    within: [u64; BOUNDS.len()],
}

impl CallTimes {
    /// The mean of the calls since `earlier`, in seconds; `None` if there were none.
    #[expect(clippy::cast_precision_loss, reason = "a mean is not an exact number")]
    pub(crate) fn mean_since(&self, earlier: &Self) -> Option<f64> {
        let calls = self.calls.saturating_sub(earlier.calls);
        (calls > 0).then(|| (self.seconds - earlier.seconds).max(0.0) / calls as f64)
    }

    /// A time, in seconds, that 99 of 100 calls since `earlier` kept to: a bound of the histogram, and
    /// the last one for whatever took longer.
    pub(crate) fn percentile_since(&self, earlier: &Self) -> Option<f64> {
        let calls = self.calls.saturating_sub(earlier.calls);
        let enough = calls.saturating_mul(99).div_ceil(100);
        let within = self.within.iter().zip(earlier.within);
        let place = within.map(|(now, before)| now.saturating_sub(before));
        let place = place.into_iter().position(|count| count >= enough);
        let last = BOUNDS.len().saturating_sub(1);
        (calls > 0).then(|| BOUNDS[place.unwrap_or(last)])
    }
}

impl Default for Timings {
    fn default() -> Self {
        let calls = "Time of REST calls, by operation and status.";
        let upstream = "Time of calls of upstreams with the wait for their turn, by the template's place in the \
             settings and by status.";
        Self {
            calls: histogram("signalr_call_duration_seconds", calls, ["operation", "status"]),
            succeeded: Operation::ALL.iter().map(|_| OnceLock::new()).collect(),
            upstream_calls: histogram(
                "signalr_upstream_call_duration_seconds",
                upstream,
                ["template", "status"],
            ),
        }
    }
}

#[expect(clippy::expect_used, reason = "names and bounds are constants, which a test goes through")]
fn histogram(name: &str, help: &str, labels: [&str; 2]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(BOUNDS.to_vec());
    HistogramVec::new(options, &labels).expect("a good name, good labels and rising bounds")
}

/// The name of an operation, as in `SendToGroup`.
pub(crate) fn operation_name(operation: Operation) -> String {
    format!("{operation:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_while_have_a_mean_and_a_time_that_most_keep_to() {
        let timings = Timings::default();
        timings.called(Operation::Broadcast, 202, Duration::from_secs(20));
        let before = timings.so_far();
        assert_eq!(timings.so_far().mean_since(&before), None);
        assert_eq!(timings.so_far().percentile_since(&before), None);
        (0..99).for_each(|_| timings.called(Operation::Broadcast, 202, Duration::from_millis(2)));
        timings.called(Operation::SendToGroup, 400, Duration::from_secs(3));
        let now = timings.so_far();
        assert!((now.mean_since(&before).unwrap() - 0.03198).abs() < 1e-6);
        assert_eq!(now.percentile_since(&before), Some(0.0025));
        timings.called(Operation::SendToGroup, 400, Duration::from_secs(90));
        assert_eq!(timings.so_far().percentile_since(&now), Some(30.0));
    }

    #[test]
    fn each_operation_and_status_is_counted_by_itself() {
        let timings = Timings::default();
        let last = *Operation::ALL.last().unwrap();
        for (operation, status, times) in [
            (Operation::ALL[0], 202, 3),
            (Operation::ALL[0], 200, 2),
            (Operation::ALL[0], 404, 4),
            (last, 404, 1),
            (last, 200, 5),
        ] {
            for _ in 0..times {
                timings.called(operation, status, Duration::from_millis(2));
            }
            let (operation, status) = (operation_name(operation), status.to_string());
            let named = timings.calls.with_label_values(&[operation.as_str(), &status]);
            assert_eq!(named.get_sample_count(), times, "{operation} {status}");
        }
        assert_eq!(timings.so_far().calls, 15);
    }

    #[test]
    fn templates_without_end_have_few_names() {
        let timings = Timings::default();
        for template in 0..1000 {
            timings.upstream_called(template, "200", Duration::from_millis(3));
        }
        timings.called(Operation::Broadcast, 202, Duration::from_secs(100));
        let families = timings.families();
        let lengths: Vec<_> = families.iter().map(|family| family.get_metric().len()).collect();
        assert_eq!(lengths, [1, MOST_TEMPLATES + 1]);
        assert_eq!(families[0].get_metric()[0].get_histogram().get_sample_count(), 1);
    }
}
