//! The issuer's keys, and which of them signed a token. They are fetched again if none of them did.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use jsonwebtoken::Header;
use signalr_signing_keys::{KeyCache, NoKeys, Schedule};

use super::{
    fetch::{Fetch, Issued},
    issuer::Issuer,
    key::Key,
    rejection::Rejection,
};

const SCHEDULE: Schedule = Schedule {
    // A withdrawn key must not be accepted for long.
    fresh: Duration::from_hours(1),
    // The issuer may be out of reach for as long as this.
    usable: Duration::from_hours(24),
    // Forged tokens must not cause many requests to the issuer.
    pause: Duration::from_secs(30),
    // If the issuer is down at the start, the keys should arrive soon after it is up.
    pause_without_keys: Duration::from_secs(3),
    // The issuer may be hanging.
    patience: Duration::from_secs(1),
};

/// The keys of an issuer. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Keys(KeyCache<Issued, String>);

/// A key for a token, and the set that it was published in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    issued: Arc<Issued>,
}

impl Found {
    /// The issuer's name in its discovery document.
    pub(super) fn issuer(&self) -> &str {
        &self.issued.issuer
    }
}

impl Keys {
    pub(super) fn new(issuer: Issuer, fetch: Fetch) -> Self {
        let asked = move || {
            let (issuer, fetch) = (issuer.clone(), fetch.clone());
            async move { fetch.keys_of(&issuer).await }
        };
        Self(KeyCache::new(SCHEDULE, asked))
    }

    /// The key for checking a token with this header.
    pub(super) async fn key_for(
        &self,
        header: &Header,
        now: SystemTime,
    ) -> Result<Found, Rejection> {
        let issued = self.0.current(now).await.map_err(no_keys)?;
        match find(issued, header) {
            Ok(found) => Ok(found),
            Err((known, problem)) => match self.0.newer_than(&known, now).await {
                Some(newer) => find(newer, header).map_err(|(_, problem)| problem),
                None => Err(problem),
            },
        }
    }

    /// A newer key, if `found` did not sign the token: an issuer can replace a key under the same
    /// id or without ids. `None` if there is nothing newer.
    pub(super) async fn newer_key_for(
        &self,
        header: &Header,
        found: &Found,
        now: SystemTime,
    ) -> Result<Option<Found>, Rejection> {
        let newer = self.0.newer_than(&found.issued, now).await;
        newer.map(|issued| find(issued, header).map_err(|(_, problem)| problem)).transpose()
    }
}

/// Finds the one key for a token with this header. If there is none, returns the keys and the
/// reason.
fn find(issued: Arc<Issued>, header: &Header) -> Result<Found, (Arc<Issued>, Rejection)> {
    let named: Vec<_> =
        issued.keys.iter().filter(|key| header.kid.is_none() || key.id == header.kid).collect();
    let fitting: Vec<_> = named.iter().filter(|key| key.signs(header.alg)).collect();
    let problem = match (named.as_slice(), fitting.as_slice()) {
        (_, [key]) => {
            let key = Key::clone(key);
            return Ok(Found { key, issued });
        }
        ([], _) => "the token's key is not one of the issuer's".to_owned(),
        (_, []) => format!("the token's key does not sign with {:?}", header.alg),
        (_, [_, ..]) => "the token does not say which of the issuer's keys signed it".to_owned(),
    };
    Err((issued, Rejection::Token(problem)))
}

fn no_keys(NoKeys { failure }: NoKeys<String>) -> Rejection {
    let problem = failure.as_ref().map_or("they are being fetched", |failure| failure.as_str());
    Rejection::Keys(format!("the issuer's keys are not there: {problem}; try again soon"))
}
