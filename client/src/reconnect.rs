//! When to connect again after a connection was lost.

use std::time::Duration;

/// When to connect again after a connection was lost.
///
/// ```
/// use std::time::Duration;
/// use signalr_client::Reconnect;
///
/// // At once, then after 2, 10 and 30 seconds, as stock clients do.
/// let default = Reconnect::default();
/// // At once and after a second, then every 5 seconds without end.
/// let for_good = Reconnect::after([Duration::ZERO, Duration::from_secs(1)])
///     .then_every(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnect {
    delays: Vec<Duration>,
    then: Option<Duration>,
}

impl Reconnect {
    /// Tries after each of these delays, counted from the failure before.
    pub fn after(delays: impl IntoIterator<Item = Duration>) -> Self {
        Self { delays: delays.into_iter().collect(), then: None }
    }

    /// Continues with this delay without end.
    #[must_use]
    pub fn then_every(mut self, delay: Duration) -> Self {
        self.then = Some(delay);
        self
    }

    /// The delay before the attempt with this number, counted from 0; `None` to give up.
    pub(crate) fn delay(&self, attempt: usize) -> Option<Duration> {
        self.delays.get(attempt).copied().or(self.then)
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::after([0, 2, 10, 30].map(Duration::from_secs))
    }
}
