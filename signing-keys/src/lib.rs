//! Signing keys from an issuer, such as an OpenID Connect issuer or the service. They are kept for a
//! while and fetched again when a caller needs them. Nothing runs in the background, because a
//! function is frozen between two requests.
//!
//! - Waiting callers share one attempt. The attempt continues even if no caller waits any more.
//! - A caller that has good keys waits only a moment for newer ones.
//! - If an issuer is down or hangs, its keys are still used, up to a limit.
//! - After a failure the issuer is asked again after a pause.

#![warn(missing_docs)]

mod schedule;
mod state;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::time::{Instant, timeout};

pub use self::schedule::Schedule;
use self::state::State;

/// The error if no keys can be used now.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing else to say")]
pub struct NoKeys<E> {
    /// Why the last attempt failed; `None` if none has ended yet.
    pub failure: Option<Arc<E>>,
}

type Fetching<K, E> = Pin<Box<dyn Future<Output = Result<K, E>> + Send>>;

/// Keeps the keys of one issuer. Clones share them.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use signalr_signing_keys::{KeyCache, Schedule};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let schedule = Schedule {
///     fresh: Duration::from_mins(60),
///     usable: Duration::from_mins(120),
///     pause: Duration::from_secs(30),
///     pause_without_keys: Duration::from_secs(3),
///     patience: Duration::from_secs(1),
/// };
/// let cache = KeyCache::new(schedule, || async { Ok::<_, String>("a key") });
/// assert_eq!(*cache.current(SystemTime::now()).await.unwrap(), "a key");
/// # }
/// ```
pub struct KeyCache<K, E>(Arc<Inner<K, E>>);

struct Inner<K, E> {
    schedule: Schedule,
    fetch: Box<dyn Fn() -> Fetching<K, E> + Send + Sync>,
    /// The lock is held only briefly, never across an await.
    state: Mutex<State<K, E>>,
    /// The caller that holds this asks the issuer. The others wait and use the answer.
    asking: tokio::sync::Mutex<()>,
}

impl<K, E> KeyCache<K, E>
where
    K: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Makes a cache. Nothing is fetched until a caller needs a key. `fetch` must have its own time
    /// limit.
    pub fn new<F>(schedule: Schedule, fetch: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<K, E>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            schedule,
            fetch: Box::new(move || Box::pin(fetch())),
            state: Mutex::new(State::new()),
            asking: tokio::sync::Mutex::default(),
        }))
    }

    /// The keys to use now. Call this in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] if there are no keys that may be used.
    pub async fn current(&self, now: SystemTime) -> Result<Arc<K>, NoKeys<E>> {
        let (usable, is_due, attempts) = {
            let (state, schedule) = (self.0.state(), &self.0.schedule);
            (state.usable(schedule, now), state.is_due(schedule, now), state.attempts())
        };
        match usable {
            Some(keys) if !is_due => Ok(keys),
            Some(keys) => {
                let renewed = timeout(self.0.schedule.patience, self.renew(attempts, now)).await;
                Ok(renewed.ok().and_then(|()| self.usable(now)).unwrap_or(keys))
            }
            None => {
                self.renew(attempts, now).await;
                let state = self.0.state();
                state
                    .usable(&self.0.schedule, now)
                    .ok_or_else(|| NoKeys { failure: state.failure() })
            }
        }
    }

    /// Keys that are newer than `known`, if `known` has the wrong keys. `None` if the issuer has
    /// nothing newer or cannot be asked. Call this in a tokio runtime.
    pub async fn newer_than(&self, known: &Arc<K>, now: SystemTime) -> Option<Arc<K>> {
        let attempts = self.0.state().attempts();
        self.renew(attempts, now).await;
        self.usable(now).filter(|keys| !Arc::ptr_eq(keys, known))
    }

    fn usable(&self, now: SystemTime) -> Option<Arc<K>> {
        self.0.state().usable(&self.0.schedule, now)
    }

    /// Asks the issuer. It does not ask if another caller's attempt ended after this caller came,
    /// or if the pause is not over.
    ///
    /// The attempt is a separate task, so that a caller that goes away does not end it. Otherwise
    /// impatient callers could stop the keys from ever arriving.
    async fn renew(&self, attempts: u64, now: SystemTime) {
        let inner = Arc::clone(&self.0);
        let came = Instant::now();
        let asking = tokio::spawn(async move {
            let _asking = inner.asking.lock().await;
            {
                let mut state = inner.state();
                if state.attempts() != attempts || !state.may_attempt(&inner.schedule, now) {
                    return;
                }
                state.begin(now);
            }
            let fetched = (inner.fetch)().await;
            inner.state().end(fetched, now, came.elapsed());
        });
        // This fails only if the process is ending.
        let _ = asking.await;
    }
}

impl<K, E> Inner<K, E> {
    fn state(&self) -> MutexGuard<'_, State<K, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, E> Clone for KeyCache<K, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Keys can be secrets.
impl<K, E> fmt::Debug for KeyCache<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCache({:?})", self.0.schedule)
    }
}
