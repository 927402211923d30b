//! The issuer's keys: kept for a while, fetched again when a token is not signed by one of them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jsonwebtoken::Header;
use tokio::{sync::OwnedMutexGuard, time::Instant};
use url::Url;

use super::{
    fetch::{Fetch, Issued},
    key::Key,
    rejection::Rejection,
};

/// After this the keys are fetched again, so that one that was withdrawn is not taken for long.
const FRESH: Duration = Duration::from_secs(3600);

/// As long as this the keys are used when the issuer cannot be reached.
const USABLE: Duration = Duration::from_secs(24 * 3600);

/// Between two fetches at least: tokens that somebody made up must not make us a burden.
const BETWEEN_FETCHES: Duration = Duration::from_secs(30);

/// The same where there are no keys at all, so that a start while the issuer is down heals soon.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Keys {
    issuer: Url,
    fetch: Fetch,
    /// Held for moments only, never across an await.
    state: Mutex<State>,
    /// Whoever holds it fetches; the others wait and use what came.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    issued: Option<Arc<Issued>>,
    fetched: Option<SystemTime>,
    /// When the last attempt ended.
    attempted: Option<SystemTime>,
    attempts: u64,
    /// Why the last attempt failed.
    problem: String,
}

/// A key for a token, and what it was published with.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    issued: Arc<Issued>,
}

impl Found {
    /// The name by which the issuer's tokens call it.
    pub(super) fn issuer(&self) -> &str {
        &self.issued.issuer
    }
}

impl Keys {
    pub(super) fn new(issuer: Url, fetch: Fetch) -> Self {
        Self { issuer, fetch, state: Mutex::default(), fetching: Arc::default() }
    }

    /// The key that a token with this header is to be checked with.
    pub(super) async fn key_for(
        self: &Arc<Self>,
        header: &Header,
        now: SystemTime,
    ) -> Result<Found, Rejection> {
        let state = self.state();
        let is_found = matches!(state.find(header), Some(Ok(_)));
        if is_found && state.is_younger(FRESH, now) {
            return state.answer(header, now);
        }
        let fetching = Arc::clone(&self.fetching).try_lock_owned().ok();
        // While somebody fetches, a key that can still be used is: the issuer may be hanging.
        if fetching.is_none() && is_found && state.is_younger(USABLE, now) {
            return state.answer(header, now);
        }
        self.renew(fetching, now).await;
        self.state().answer(header, now)
    }

    /// The key that the issuer may have put in the place of this one, which did not sign the
    /// token: ids can stay, and need not be there. `None` where nothing newer is to be had.
    pub(super) async fn newer_key_for(
        self: &Arc<Self>,
        header: &Header,
        found: &Found,
        now: SystemTime,
    ) -> Result<Option<Found>, Rejection> {
        self.renew(None, now).await;
        let state = self.state();
        match &state.issued {
            Some(issued) if !Arc::ptr_eq(issued, &found.issued) => {
                state.answer(header, now).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Fetches the keys, unless that was tried a moment ago. Who holds the lock gives it.
    ///
    /// The fetch is a task of its own: a caller that goes away must not end it, or callers who
    /// come and go could keep the keys from ever arriving.
    async fn renew(self: &Arc<Self>, fetching: Option<OwnedMutexGuard<()>>, now: SystemTime) {
        let keys = Arc::clone(self);
        let attempts = self.state().attempts;
        let called = Instant::now();
        let fetch = tokio::spawn(async move {
            let _fetching = match fetching {
                Some(held) => held,
                None => Arc::clone(&keys.fetching).lock_owned().await,
            };
            let state = keys.state();
            // Somebody else's attempt, which ended after this call came, is as good as its own.
            if state.attempts != attempts || !state.may_attempt(now) {
                return;
            }
            let issued = keys.fetch.keys_of(&keys.issuer).await;
            keys.update(issued, now, called.elapsed());
        });
        // It fails only where the process is ending.
        let _ = fetch.await;
    }

    fn update(&self, issued: Result<Issued, String>, now: SystemTime, took: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A hanging issuer takes longer than the pause: from the start, there would be none.
        state.attempted = Some(now + took);
        state.attempts += 1;
        match issued {
            Ok(issued) => {
                state.issued = Some(Arc::new(issued));
                state.fetched = Some(now);
            }
            Err(problem) => state.problem = problem,
        }
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why no key fits a token.
#[derive(Clone, Copy, Debug)]
enum Unfit {
    Unknown,
    Algorithm,
    Ambiguous,
}

impl State {
    /// `None` where there are no keys yet.
    fn find(&self, header: &Header) -> Option<Result<&Key, Unfit>> {
        let keys = &self.issued.as_ref()?.keys;
        let named: Vec<_> =
            keys.iter().filter(|key| header.kid.is_none() || key.id == header.kid).collect();
        let fitting: Vec<_> = named.iter().filter(|key| key.signs(header.alg)).collect();
        Some(match (named.as_slice(), fitting.as_slice()) {
            ([], _) => Err(Unfit::Unknown),
            (_, []) => Err(Unfit::Algorithm),
            (_, [key]) => Ok(key),
            (_, [_, ..]) => Err(Unfit::Ambiguous),
        })
    }

    fn answer(&self, header: &Header, now: SystemTime) -> Result<Found, Rejection> {
        let (Some(found), Some(issued)) = (self.find(header), &self.issued) else {
            return Err(self.no_keys());
        };
        if !self.is_younger(USABLE, now) {
            return Err(self.no_keys());
        }
        let problem = match found {
            Ok(key) => return Ok(Found { key: key.clone(), issued: Arc::clone(issued) }),
            Err(Unfit::Unknown) => "the token's key is not one of the issuer's".to_owned(),
            Err(Unfit::Algorithm) => {
                format!("the token's key does not sign with {:?}", header.alg)
            }
            Err(Unfit::Ambiguous) => {
                "the token does not say which of the issuer's keys signed it".to_owned()
            }
        };
        Err(Rejection::Token(problem))
    }

    fn no_keys(&self) -> Rejection {
        let problem = match self.problem.as_str() {
            "" => "they are being fetched",
            problem => problem,
        };
        Rejection::Keys(format!("the issuer's keys are not there: {problem}; try again soon"))
    }

    fn is_younger(&self, limit: Duration, now: SystemTime) -> bool {
        self.fetched.is_some_and(|fetched| since(fetched, now) < limit)
    }

    fn may_attempt(&self, now: SystemTime) -> bool {
        let pause = if self.issued.is_some() { BETWEEN_FETCHES } else { BETWEEN_ATTEMPTS };
        self.attempted.is_none_or(|attempted| since(attempted, now) >= pause)
    }
}

/// Nothing where the clock was set back or another caller was later.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
