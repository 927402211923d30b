//! By when a call must be answered: soon after, the platform ends it.

use std::convert::Infallible;
#[cfg(any(test, feature = "lambda"))]
use std::time::Duration;

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio::time::{Instant, timeout_at};

/// Between our end and the platform's: what it takes to say what was done and what was not.
#[cfg(any(test, feature = "lambda"))]
const MARGIN: Duration = Duration::from_millis(500);

/// By when a call must be answered. A handler that does one thing after the other takes it from the
/// request, and does nothing more once it has passed. Without one there is no hurry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// A little before the platform ends the process or the call, which it does after this time.
    #[cfg(any(test, feature = "lambda"))]
    pub(crate) fn within(left: Duration) -> Self {
        // A time beyond what the clock can count is no deadline.
        Self(Instant::now().checked_add(left.saturating_sub(MARGIN)))
    }

    /// Whether it has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// What comes of the work, or `None` if the time is up first.
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
