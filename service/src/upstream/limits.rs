//! The limits of upstream calls.

use std::time::Duration;

/// The limits of upstream calls.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The time from an event's turn to the end of its answer, including the wait for a place.
    /// Gateways in front of functions give up after about 30 s, and a client's next event waits
    /// this long.
    pub(crate) time: Duration,
    /// The longest answer, in bytes. Source: asrs-emulator.
    pub(crate) answer: usize,
    /// How many requests to one upstream may run at the same time, for all connections together.
    pub(crate) requests: usize,
    /// How many invocations of one connection may wait.
    pub(crate) waiting: usize,
    /// How many bytes these invocations may have together, if there is more than one.
    pub(crate) waiting_bytes: usize,
    /// How many bytes of events may wait or be under way, for all connections together. One
    /// upstream may use as many as it leaves free for others. Beyond this, invocations are refused
    /// and other events are left out.
    pub(crate) waiting_bytes_in_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            answer: 16 * 1024 * 1024,
            requests: 256,
            waiting: 100,
            waiting_bytes: 1024 * 1024,
            waiting_bytes_in_all: 64 * 1024 * 1024,
        }
    }
}
