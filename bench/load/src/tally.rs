//! Counts the deliveries and the faults of all connections together.

use hdrhistogram::Histogram;

/// Latencies from 1 µs to an hour are kept, with three digits.
const LONGEST_LATENCY: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

#[derive(Debug)]
pub(crate) struct Tally {
    /// Messages that came for the first time on their connection.
    pub(crate) delivered: u64,
    pub(crate) duplicates: u64,
    pub(crate) order_violations: u64,
    /// Messages that differ from what was sent, or came to the wrong client.
    pub(crate) damaged: u64,
    /// Connections that the server ended.
    pub(crate) closed: u64,
    /// The first reason that was given for a close.
    pub(crate) close_reason: Option<String>,
    /// In µs.
    pub(crate) latency: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants in their range")]
        let latency = Histogram::new_with_bounds(1, LONGEST_LATENCY, DIGITS)
            .expect("a low bound of 1, a high one of more than 2, and 3 digits");
        Self {
            delivered: 0,
            duplicates: 0,
            order_violations: 0,
            damaged: 0,
            closed: 0,
            close_reason: None,
            latency,
        }
    }

    pub(crate) fn note_close_reason(&mut self, reason: String) {
        self.close_reason.get_or_insert(reason);
    }
}
