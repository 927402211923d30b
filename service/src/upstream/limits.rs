//! What bounds the calls of upstreams.

use std::time::Duration;

/// What bounds the calls.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// From the moment when an event's turn comes to the end of its answer, with the wait for a
    /// place. Gateways in front of functions give up after about 30 s, and a client's next event
    /// waits for as long.
    pub(crate) time: Duration,
    /// The longest answer, in bytes. Source: asrs-emulator.
    pub(crate) answer: usize,
    /// How many requests to one upstream may be under way at once, of all connections together.
    pub(crate) requests: usize,
    /// How many invocations of one connection may wait.
    pub(crate) waiting: usize,
    /// How many bytes they may have together, if there is more than one.
    pub(crate) waiting_bytes: usize,
    /// How many bytes of events may wait or be under way, of all connections together. One upstream
    /// may have as many as it leaves free. Past it invocations are refused, and what else there is
    /// to report is left out.
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
