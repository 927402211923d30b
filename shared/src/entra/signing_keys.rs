//! The key with which the service lets its callers sign client tokens: kept for a while, and
//! renewed when somebody needs it, as nothing runs in a function between two requests.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    error::Error,
    rest::{ApiVersion, RestClient, SigningKey},
};

/// From this age on a key is renewed. Source: Azure's SDK.
const FRESH: Duration = Duration::from_mins(55);

/// Up to this age a key signs while it cannot be renewed. Source: Azure's SDK.
const USABLE: Duration = Duration::from_mins(110);

/// Between two attempts to renew a key that can still be used.
const BETWEEN_ATTEMPTS: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(crate) struct SigningKeys {
    client: RestClient,
    /// Held for moments only, never across an await.
    held: Mutex<Option<Held>>,
    /// Whoever holds it asks the service; those who have no key to use meanwhile wait.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Held {
    key: SigningKey,
    fetched: SystemTime,
    attempted: SystemTime,
}

impl SigningKeys {
    pub(crate) fn new(client: &RestClient) -> Self {
        Self {
            // Of the two versions that hand out keys the one that Azure's SDK calls.
            client: client.clone().with_version(ApiVersion::V1),
            held: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(()),
        }
    }

    /// A key to sign with now. The service is asked where there is none or an old one; one that
    /// can still be used is, while somebody else asks or where the service does not answer.
    pub(crate) async fn current(&self, now: SystemTime) -> Result<SigningKey, Error> {
        let usable = self.held().filter(|held| age(held.fetched, now) < USABLE);
        let renewing = match &usable {
            Some(held) if !held.is_due(now) => return Ok(held.key.clone()),
            Some(held) => match self.renewing.try_lock() {
                Ok(renewing) => renewing,
                Err(_) => return Ok(held.key.clone()),
            },
            None => self.renewing.lock().await,
        };
        // Somebody may have asked while this caller waited.
        if let Some(held) = self.held().filter(|held| !held.is_due(now)) {
            return Ok(held.key);
        }
        let asked = self.client.access_key().await;
        let renewed = match (asked, usable) {
            (Ok(key), _) => Held { key, fetched: now, attempted: now },
            (Err(_), Some(old)) => Held { attempted: now, ..old },
            (Err(error), None) => return Err(error),
        };
        let key = renewed.key.clone();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewed);
        drop(renewing);
        Ok(key)
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Held {
    fn is_due(&self, now: SystemTime) -> bool {
        age(self.fetched, now) >= FRESH
            && (self.attempted == self.fetched || age(self.attempted, now) >= BETWEEN_ATTEMPTS)
    }
}

/// Nothing where the clock was set back, or another caller's was ahead.
fn age(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
