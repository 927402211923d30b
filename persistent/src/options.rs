//! The options of a connection to a hub.

use std::{num::NonZeroUsize, time::Duration};

use signalr_http_client::Trust;

/// How to connect to a hub.
///
/// ```
/// use std::num::NonZeroUsize;
/// use signalr_persistent::Options;
///
/// let four = NonZeroUsize::new(4).unwrap();
/// let options = Options { connections: four, ..Options::default() };
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built with `..Options::default()`")]
pub struct Options {
    /// How many connections are kept. Messages for the same target use the same one and keep their
    /// order. Default: 1.
    pub connections: NonZeroUsize,
    /// How many messages may wait for a connection. If the queue is full, a send waits. Default:
    /// 1,024.
    pub waiting: NonZeroUsize,
    /// How long an answer may take. Default: 12 s, as in Microsoft's SDK.
    pub answer_time: Duration,
    /// How long a client may take to answer an invocation. Default: 60 s.
    pub invocation_time: Duration,
    /// The authorities to trust for TLS. Default: the public ones.
    pub trust: Trust,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::MIN,
            waiting: NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN),
            answer_time: Duration::from_secs(12),
            invocation_time: Duration::from_secs(60),
            trust: Trust::default(),
        }
    }
}
