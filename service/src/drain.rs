//! How a service ends: in steps, so that nobody is cut off who can be told before.
//!
//! | step | `/ready` | new connections | REST |
//! |---|---|---|---|
//! | the service serves | 200 | taken | taken |
//! | the end was asked for: [`Drain::delay`] | 503 | taken, since balancers need time to see it | taken |
//! | clients are told to come back, over [`Drain::spread`] | 503 | 503 with `Retry-After` | taken |
//! | what is under way is finished, within [`Drain::deadline`] | no more, as the ports close | 503 | 503 |

use std::{
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

/// How long the steps of the end may take.
///
/// ```
/// use std::time::Duration;
/// use signalr_service::{Config, Drain};
///
/// let drain = Drain { delay: Duration::from_secs(10), ..Drain::default() };
/// let config = Config { drain, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "built with `..Drain::default()`")]
pub struct Drain {
    /// From the first 503 of `/ready` to the first client that is told to come back. A load
    /// balancer needs time to see the 503. Default: none.
    pub delay: Duration,
    /// The time over which clients are told to come back, so that they do not all come at once. Few
    /// clients take less: each shard closes at least 50 a second. Default: 5 s.
    pub spread: Duration,
    /// From the last client that was told to the end of everything: of transports, of requests
    /// under way and of events for the upstream. What is still there then is cut off. Default: 10 s.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            spread: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
        }
    }
}

/// How far the service is.
#[derive(Debug, Default)]
pub(crate) struct Stage(AtomicU8);

const SERVING: u8 = 0;
const LEAVING: u8 = 1;
const CLOSING: u8 = 2;

// Nothing else depends on the order in which the steps are seen.
impl Stage {
    /// Whether balancers may send more clients here.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Relaxed) == SERVING
    }

    /// Whether a new connection is taken.
    pub(crate) fn admits(&self) -> bool {
        self.0.load(Relaxed) < CLOSING
    }

    /// The end was asked for.
    pub(crate) fn leave(&self) {
        self.0.store(LEAVING, Relaxed);
    }

    /// Clients are told to come back.
    pub(crate) fn close(&self) {
        self.0.store(CLOSING, Relaxed);
    }
}
