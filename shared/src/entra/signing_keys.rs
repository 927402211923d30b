//! The key with which the service lets its callers sign client tokens: kept for a while, and
//! renewed when somebody needs it, as nothing runs in a function between two requests.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::timeout;

use crate::{
    causes::with_causes,
    error::Error,
    operation::ApiVersion,
    rest::{RestClient, SigningKey},
};

/// From this age on a key is renewed. Source: Azure's SDK.
const FRESH: Duration = Duration::from_mins(55);

/// Up to this age a key signs while it cannot be renewed. Source: Azure's SDK.
const USABLE: Duration = Duration::from_mins(110);

/// Between two attempts to renew a key that can still be used.
const BETWEEN_ATTEMPTS: Duration = Duration::from_mins(5);

/// How long who has a key that can still be used waits for a new one. Not at all would do, but for
/// functions that are frozen as soon as they have answered.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct SigningKeys {
    client: RestClient,
    /// Held for moments only, never across an await.
    state: Mutex<State>,
    /// Whoever holds it asks the service.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// When the last attempt began: one that nobody waits for any more counts too.
    attempted: Option<SystemTime>,
    /// How many have ended.
    attempts: u64,
    /// Why the last one failed.
    failure: Option<Error>,
}

#[derive(Clone, Debug)]
struct Held {
    key: SigningKey,
    fetched: SystemTime,
}

impl SigningKeys {
    pub(crate) fn new(client: &RestClient) -> Self {
        Self {
            // Of the two versions that hand out keys the one that Azure's SDK calls.
            client: client.clone().with_version(ApiVersion::V1),
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// A key to sign with now. The service is asked where there is none or an old one; one that
    /// can still be used is, where the service does not answer at once.
    pub(crate) async fn current(self: &Arc<Self>, now: SystemTime) -> Result<SigningKey, Error> {
        let (usable, is_due, attempts) = {
            let state = self.state();
            (state.usable(now), state.is_due(now), state.attempts)
        };
        match usable {
            Some(key) if !is_due => Ok(key),
            Some(key) => {
                let renewed = timeout(PATIENCE, self.renew(attempts, now)).await;
                Ok(renewed.ok().and_then(|()| self.state().usable(now)).unwrap_or(key))
            }
            None => {
                self.renew(attempts, now).await;
                let state = self.state();
                state.usable(now).ok_or_else(|| state.failure())
            }
        }
    }

    /// Asks the service, unless somebody else's attempt ended after this caller came: that is as
    /// good as its own.
    ///
    /// It is a task of its own: a caller who goes away must not end it, or callers with little
    /// patience could keep the key from ever arriving.
    async fn renew(self: &Arc<Self>, attempts: u64, now: SystemTime) {
        let keys = Arc::clone(self);
        let asking = tokio::spawn(async move {
            let _renewing = keys.renewing.lock().await;
            {
                let mut state = keys.state();
                if state.attempts != attempts {
                    return;
                }
                state.attempted = Some(now);
            }
            let asked = keys.client.access_key().await;
            let mut state = keys.state();
            state.attempts += 1;
            match asked {
                Ok(key) => state.held = Some(Held { key, fetched: now }),
                Err(error) => state.failure = Some(error),
            }
        });
        // It fails only where the process is ending.
        let _ = asking.await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn usable(&self, now: SystemTime) -> Option<SigningKey> {
        let held = self.held.as_ref().filter(|held| age(held.fetched, now) < USABLE)?;
        Some(held.key.clone())
    }

    /// Whether the key that is held should be renewed now.
    fn is_due(&self, now: SystemTime) -> bool {
        let Some(held) = &self.held else { return true };
        let was_tried = self.attempted.filter(|attempted| *attempted > held.fetched);
        age(held.fetched, now) >= FRESH
            && was_tried.is_none_or(|attempted| age(attempted, now) >= BETWEEN_ATTEMPTS)
    }

    /// Why there is no key, for each of those who waited for it.
    fn failure(&self) -> Error {
        match &self.failure {
            Some(Error::Refused(refusal)) => Error::Refused(refusal.clone()),
            Some(Error::Unreachable { endpoint, source }) => {
                let source = with_causes(&**source).into();
                Error::Unreachable { endpoint: endpoint.clone(), source }
            }
            Some(Error::Interrupted { endpoint, source }) => {
                let source = with_causes(&**source).into();
                Error::Interrupted { endpoint: endpoint.clone(), source }
            }
            Some(Error::InvalidReply { endpoint, operation, problem }) => {
                let (endpoint, problem) = (endpoint.clone(), problem.clone());
                Error::InvalidReply { endpoint, operation: *operation, problem }
            }
            Some(Error::TimedOut { endpoint, limit }) => {
                Error::TimedOut { endpoint: endpoint.clone(), limit: *limit }
            }
            Some(Error::EntraToken { problem }) => Error::EntraToken { problem: problem.clone() },
            Some(other) => Error::EntraToken { problem: other.with_causes() },
            None => Error::EntraToken { problem: "the program is ending".to_owned() },
        }
    }
}

/// Nothing where the clock was set back, or another caller's was ahead.
fn age(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
