//! How much a caller may send, and how long everything may take.

use std::time::Duration;

/// Limits on what a connection may cost. The defaults are safe for a port that everybody can reach.
///
/// Bodies have no limit here. The handler that reads a body knows its limit and the answer.
///
/// ```
/// use std::time::Duration;
/// use signalr_http_server::Limits;
///
/// let limits = Limits { drain_time: Duration::from_secs(10), ..Limits::default() };
/// assert_eq!(limits.head_size, 64 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest complete head of a request, in bytes. If a head is larger, no more of it is read,
    /// and the answer is 431. 64 KiB by default.
    pub head_size: usize,
    /// The time from the first byte of a head to its last. After it the connection is closed without
    /// an answer. 10 seconds by default.
    pub head_time: Duration,
    /// How long a connection may be without a request. 75 seconds by default, because callers keep
    /// connections for up to a minute: if a connection is closed at the moment of a send, that send
    /// fails.
    pub idle_time: Duration,
    /// How long a caller may accept no bytes of its answer. After it the connection is cut off, and
    /// the bytes that wait for the caller are dropped. 30 seconds by default.
    pub write_time: Duration,
    /// How long running requests may take after the shutdown begins. After it they are cut off.
    /// 5 seconds by default.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_size: 64 * 1024,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(5),
        }
    }
}
