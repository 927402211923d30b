//! The times of a report.

use std::time::Instant;

/// When things happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) started: Instant,
    /// When a message was last sent, answered or delivered.
    pub(crate) progress: Instant,
    /// Messages that were sent late although a publisher was free.
    pub(crate) sent_late: u64,
    /// Whether a message was due and every publisher waited for the server.
    pub(crate) server_was_late: bool,
}
