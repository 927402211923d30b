//! Retries: which failed calls are repeated, how often and when.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::reply::Reply;
use crate::{error::Error, operation::Operation};

/// How often a failed call is repeated, and when.
///
/// Which calls are repeated depends on the harm that a second call can do:
///
/// - Checks, changes of groups, renewals of logins and closing: after a status of 500 or more, 408 and 429, a time
///   limit and any failure of the network.
/// - Sends, invocations and streams, which a second call would double: after 429 and 503, which say
///   that the service did nothing, and if no connection could be opened. Never after a time limit,
///   a broken connection or a 500. Never after 502 and 504: a proxy answers with these when it got
///   no answer from the service, which may have sent the message. A program that prefers two
///   messages to none repeats the call itself.
/// - [`RestClient::health`](super::RestClient::health): never, because it asks about this moment.
///
/// If the service says how long to wait (`Retry-After`), the retry waits that long.
///
/// ```
/// use std::time::Duration;
/// use signalr_serverless::rest::RetryPolicy;
///
/// // 0.5 s, 1 s, 2 s, 2 s, each shortened at random, and never more than 10 s in all.
/// # fn random() -> f64 { 0.5 }
/// let policy = RetryPolicy::exponential(4, Duration::from_millis(500), Duration::from_secs(2))
///     .with_jitter(|delay| delay.mul_f64(random()))
///     .with_time_limit(Duration::from_secs(10));
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    retries: u32,
    first: Duration,
    longest: Duration,
    longest_retry_after: Duration,
    time_limit: Option<Duration>,
    jitter: Option<Arc<dyn Fn(Duration) -> Duration + Send + Sync>>,
}

impl RetryPolicy {
    const DEFAULT_LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

    /// A fixed number of retries, each after the same delay.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use signalr_serverless::rest::RetryPolicy;
    /// let policy = RetryPolicy::fixed(3, Duration::from_millis(800));
    /// ```
    #[must_use]
    pub fn fixed(retries: u32, delay: Duration) -> Self {
        Self::exponential(retries, delay, delay)
    }

    /// A fixed number of retries, each after twice the delay of the one before, up to the longest
    /// delay.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use signalr_serverless::rest::RetryPolicy;
    /// let policy = RetryPolicy::exponential(5, Duration::from_millis(100), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub fn exponential(retries: u32, first: Duration, longest: Duration) -> Self {
        Self {
            retries,
            first,
            longest,
            longest_retry_after: Self::DEFAULT_LONGEST_RETRY_AFTER,
            time_limit: None,
            jitter: None,
        }
    }

    /// The longest `Retry-After` that is waited for, 60 seconds by default. If the service asks for
    /// more, the call fails at once: [`Refusal::retry_after`](crate::Refusal::retry_after) says how
    /// long to wait.
    #[must_use]
    pub fn with_longest_retry_after(mut self, longest: Duration) -> Self {
        self.longest_retry_after = longest;
        self
    }

    /// How long a call may take with all its retries and delays; no limit by default. If the next
    /// delay would exceed it, the last failure is the result.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Changes each delay, for example to a random part of it. Without this the delays are exact. A
    /// `Retry-After` does not change.
    #[must_use]
    pub fn with_jitter(
        mut self,
        jitter: impl Fn(Duration) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.jitter = Some(Arc::new(jitter));
        self
    }

    /// How long to wait after this number of attempts. `None` means to stop.
    fn delay(&self, attempts: u32, retry_after: Option<Duration>) -> Option<Duration> {
        if attempts > self.retries {
            return None;
        }
        if let Some(asked) = retry_after {
            return Some(asked).filter(|asked| *asked <= self.longest_retry_after);
        }
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let delay = self.first.saturating_mul(factor).min(self.longest);
        Some(self.jitter.as_ref().map_or(delay, |jitter| jitter(delay)))
    }
}

/// Three retries, after 0.8, 1.6 and 3.2 seconds.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::exponential(3, Duration::from_millis(800), Duration::from_secs(60))
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("retries", &self.retries)
            .field("first", &self.first)
            .field("longest", &self.longest)
            .field("longest_retry_after", &self.longest_retry_after)
            .field("time_limit", &self.time_limit)
            .field("jitter", &self.jitter.is_some())
            .finish()
    }
}

/// Whether a failed call may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Never,
    /// Only if nothing was done, because a second call would double it.
    IfNothingWasDone,
    /// Even if it may have been done: a second call changes nothing.
    Always,
}

impl Repeat {
    pub(super) fn of(operation: Operation) -> Self {
        match operation {
            Operation::Health => Self::Never,
            Operation::Broadcast
            | Operation::SendToUser
            | Operation::SendToUsers
            | Operation::SendToGroup
            | Operation::SendToGroups
            | Operation::SendToConnection
            | Operation::InvokeConnection
            | Operation::SendStreamItem
            | Operation::CompleteStream
            | Operation::Execute => Self::IfNothingWasDone,
            Operation::RefreshAuth
            | Operation::GetConnectionClaims
            | Operation::ConnectionExists
            | Operation::CloseConnection
            | Operation::CloseHubConnections
            | Operation::CloseGroupConnections
            | Operation::CloseUserConnections
            | Operation::GroupExists
            | Operation::UserExists
            | Operation::AddConnectionToGroup
            | Operation::RemoveConnectionFromGroup
            | Operation::RemoveConnectionFromAllGroups
            | Operation::ListGroupConnections
            | Operation::UserInGroup
            | Operation::AddUserToGroup
            | Operation::RemoveUserFromGroup
            | Operation::RemoveUserFromAllGroups
            | Operation::GenerateToken
            | Operation::AccessKey => Self::Always,
        }
    }

    /// Whether to repeat the call.
    pub(super) fn verdict(self, outcome: &Result<Reply, Error>) -> Verdict {
        let is_worth_it = match (self, outcome) {
            (Self::Never, _) => false,
            (Self::IfNothingWasDone, Ok(reply)) => matches!(reply.status().as_u16(), 429 | 503),
            (Self::IfNothingWasDone, Err(error)) => matches!(error, Error::Unreachable { .. }),
            (Self::Always, Ok(reply)) => matches!(reply.status().as_u16(), 408 | 429 | 500..),
            (Self::Always, Err(error)) => matches!(
                error,
                Error::Unreachable { .. } | Error::TimedOut { .. } | Error::Interrupted { .. }
            ),
        };
        let retry_after = outcome.as_ref().ok().and_then(Reply::retry_after);
        if is_worth_it { Verdict::Again { retry_after } } else { Verdict::Final }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Final,
    Again { retry_after: Option<Duration> },
}

/// Makes attempts until the outcome is final or the policy gives up. Each attempt gets its time
/// limit: the limit of one call, at most what is left of the time for all.
pub(super) async fn run<C: Future>(
    policy: Option<&RetryPolicy>,
    limit_of_one: Duration,
    mut attempt: impl FnMut(Duration) -> C,
    verdict: impl Fn(&C::Output) -> Verdict,
) -> C::Output {
    let start = Instant::now();
    let left = || match policy.and_then(|policy| policy.time_limit) {
        Some(limit) => limit.saturating_sub(start.elapsed()),
        None => Duration::MAX,
    };
    let mut attempts = 0;
    loop {
        let outcome = attempt(whole_milliseconds(limit_of_one.min(left()))).await;
        attempts += 1;
        let Verdict::Again { retry_after } = verdict(&outcome) else { return outcome };
        match policy.and_then(|policy| policy.delay(attempts, retry_after)) {
            Some(delay) if delay < left() => sleep(delay).await,
            _ => return outcome,
        }
    }
}

/// A limit that reads well: `20s`, not `19.99999945s`.
fn whole_milliseconds(limit: Duration) -> Duration {
    let milliseconds = limit.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
