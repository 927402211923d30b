//! How long calls take, by what came of them. They are counted once for each call, not for each
//! delivery.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, core::Collector, proto::MetricFamily};
use signalr_serverless::rest::Operation;

/// The upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Templates behind this many have one name together.
const MOST_TEMPLATES: usize = 100;

/// The times of REST calls and of upstream calls.
#[derive(Debug)]
pub(crate) struct Timings {
    calls: HistogramVec,
    upstream_calls: HistogramVec,
}

impl Timings {
    /// Notes a REST call, from its head to the head of its answer.
    pub(crate) fn called(&self, operation: Operation, status: u16, time: Duration) {
        let (operation, status) = (operation_name(operation), status.to_string());
        self.calls.with_label_values(&[operation.as_str(), &status]).observe(time.as_secs_f64());
    }

    /// Notes a call of an upstream, with the wait for its turn. `outcome` is a status, or a word for a
    /// failure.
    pub(crate) fn upstream_called(&self, template: usize, outcome: &str, time: Duration) {
        let template =
            if template < MOST_TEMPLATES { template.to_string() } else { "other".to_owned() };
        let times = self.upstream_calls.with_label_values(&[template.as_str(), outcome]);
        times.observe(time.as_secs_f64());
    }

    /// All of them.
    pub(crate) fn families(&self) -> Vec<MetricFamily> {
        let mut families = self.calls.collect();
        families.extend(self.upstream_calls.collect());
        families
    }
}

impl Default for Timings {
    fn default() -> Self {
        let calls = "Time of REST calls, by operation and status.";
        let upstream = "Time of calls of upstreams with the wait for their turn, by the template's place in the \
             settings and by status.";
        Self {
            calls: histogram("signalr_call_duration_seconds", calls, ["operation", "status"]),
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
