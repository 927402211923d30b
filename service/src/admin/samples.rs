//! Metrics from numbers that are there already, in the shapes of the metrics library.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// The labels of a sample: names and values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A metric under construction.
pub(super) struct Samples(MetricFamily);

impl Samples {
    /// A number that only rises.
    pub(super) fn counter(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::COUNTER)
    }

    /// A number that rises and falls.
    pub(super) fn gauge(name: &str, help: &str) -> Self {
        Self::new(name, help, MetricType::GAUGE)
    }

    fn new(name: &str, help: &str, kind: MetricType) -> Self {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Self(family)
    }

    /// With one more sample.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus has floats only")]
    pub(super) fn with(self, labels: Labels<'_>, value: u64) -> Self {
        self.with_float(labels, value as f64)
    }

    pub(super) fn with_float(mut self, labels: Labels<'_>, value: f64) -> Self {
        let mut metric = Metric::from_label(labels.iter().map(pair).collect());
        if self.0.get_field_type() == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.0.mut_metric().push(metric);
        self
    }

    /// With a sample for each label.
    pub(super) fn with_each<'a>(
        self,
        label: &str,
        samples: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Self {
        samples.into_iter().fold(self, |all, (value, count)| all.with(&[(label, value)], count))
    }

    /// The metric, if it has a sample.
    pub(super) fn family(self) -> Option<MetricFamily> {
        (!self.0.get_metric().is_empty()).then_some(self.0)
    }
}

fn pair((name, value): &(&str, &str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name((*name).to_owned());
    pair.set_value((*value).to_owned());
    pair
}
