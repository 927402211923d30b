//! The deadline of a call. The platform ends the call soon after it.

use std::convert::Infallible;
#[cfg(any(test, feature = "lambda"))]
use std::time::Duration;

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio::time::{Instant, timeout_at};

/// The time between our deadline and the platform's, for an answer that says what was done.
#[cfg(any(test, feature = "lambda"))]
const MARGIN: Duration = Duration::from_millis(500);

/// The deadline of a call. A handler that does several things in order takes it from the request,
/// and starts nothing more after it has passed. `None` means no deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline if the platform ends the process or the call after this time. It is a little
    /// earlier.
    #[cfg(any(test, feature = "lambda"))]
    pub(crate) fn within(left: Duration) -> Self {
        // A time beyond what the clock can count is not a deadline.
        Self(Instant::now().checked_add(left.saturating_sub(MARGIN)))
    }

    /// Whether the deadline has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// The result of the work, or `None` if the deadline passes first.
    pub(crate) async fn limit<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self.0 {
            Some(deadline) => timeout_at(deadline, work).await.ok(),
            None => Some(work.await),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}
