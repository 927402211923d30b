//! The service's time.

use tokio::time::Instant;

use crate::session::Seconds;

/// Counts the seconds since the service started, by tokio's clock, which tests can move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Begins to count.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Whole seconds since the start.
    pub(crate) fn now(self) -> Seconds {
        Seconds::try_from(self.start.elapsed().as_secs()).unwrap_or(Seconds::MAX)
    }
}
