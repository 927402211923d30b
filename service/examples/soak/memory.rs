//! Memory over time.

use std::time::Duration;

/// What was measured: seconds since the start, and KiB.
#[derive(Default)]
pub(crate) struct Samples(Vec<(f64, f64)>);

impl Samples {
    pub(crate) fn add(&mut self, at: Duration, kib: u32) {
        self.0.push((at.as_secs_f64(), f64::from(kib)));
    }

    /// The end of the memory, and how fast it grew in the second half.
    pub(crate) fn summary(&self) -> String {
        let second_half = &self.0[self.0.len() / 2..];
        let end = self.0.last().map_or(0.0, |(_, kib)| *kib);
        format!(
            "memory: {end} KiB at the end; {:+.1} KiB a minute over the second half",
            slope(second_half) * 60.0
        )
    }
}

/// The slope of the line that fits the points best: least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let mean =
        |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points.iter().map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
    };
    let spread = sum(&|x, _| x * x);
    if spread > 0.0 { sum(&|x, y| x * y) / spread } else { 0.0 }
}
