//! Signing keys that somebody else issues, such as an OpenID Connect issuer or the service: kept for
//! a while, and fetched again if somebody needs them. Nothing runs in the background, as a function
//! is frozen between two requests.
//!
//! - Callers that wait share one attempt. If no caller waits any more, the attempt continues.
//! - A caller with keys that are still good waits only for a moment for newer ones.
//! - Keys outlast an issuer that is down or hangs, up to a limit.
//! - An issuer that fails is asked again after a pause.

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

/// No keys can be used now.
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
    /// Held for moments only, never across an await.
    state: Mutex<State<K, E>>,
    /// The holder asks the issuer. The others wait and use the answer.
    asking: tokio::sync::Mutex<()>,
}

impl<K, E> KeyCache<K, E>
where
    K: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Nothing is fetched until somebody needs a key. `fetch` must end within a time of its own.
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

    /// The keys to use now. It must run in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] if there are none, or none that may still be used.
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

    /// The keys that the issuer may have put in the place of these, which will not do. `None` if
    /// nothing newer is to be had. It must run in a tokio runtime.
    pub async fn newer_than(&self, known: &Arc<K>, now: SystemTime) -> Option<Arc<K>> {
        let attempts = self.0.state().attempts();
        self.renew(attempts, now).await;
        self.usable(now).filter(|keys| !Arc::ptr_eq(keys, known))
    }

    fn usable(&self, now: SystemTime) -> Option<Arc<K>> {
        self.0.state().usable(&self.0.schedule, now)
    }

    /// Asks the issuer, unless somebody else's attempt ended after this caller came, which is as
    /// good as its own, or the pause is not over.
    ///
    /// It is a task of its own: a caller who goes away must not end it, or callers with little
    /// patience could keep the keys from ever arriving.
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
        // It fails only if the process is ending.
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
