//! How much a caller may send, and how long everything may take.

use std::time::Duration;

/// What a connection may cost. The defaults are safe for a port that everybody can reach.
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
    /// The largest head of a request, in bytes, with everything in it. Beyond it nothing is read,
    /// and the answer is 431. 64 KB by default.
    pub head_size: usize,
    /// From the first byte of a head to its last. Then the connection is closed without an answer.
    /// 10 seconds by default.
    pub head_time: Duration,
    /// How long a connection may be without a request. 75 seconds by default, because callers keep
    /// connections for up to a minute, and one that is closed in the moment of a send fails that
    /// send.
    pub idle_time: Duration,
    /// How long a caller may take nothing of its answer. Then the connection is cut off, and what
    /// waited for the caller is dropped. 30 seconds by default.
    pub write_time: Duration,
    /// How long requests that are under way may take after the end was asked for. Then they are cut
    /// off. 5 seconds by default.
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
