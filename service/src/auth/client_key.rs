//! The keys that the service hands out for signing client tokens.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jsonwebtoken::DecodingKey;

use crate::transport::tokens::random_id;

/// How long a key is handed out, from when it was made.
const HANDED_OUT: Duration = Duration::from_hours(1);

/// How long a key's tokens are taken, from when it was made: two hours more, as callers sign with
/// a key for up to 110 minutes before they ask for the next.
const TAKEN: Duration = Duration::from_hours(3);

/// The keys of the last hours. They sign client tokens, and nothing else.
#[derive(Debug)]
pub(crate) struct ClientKeys {
    /// The newest is the last. Held for moments only, never across an await.
    keys: Mutex<Vec<ClientKey>>,
}

/// A key that others may sign client tokens with.
#[derive(Clone)]
pub(crate) struct ClientKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    made: SystemTime,
}

impl ClientKeys {
    /// The first key is made at once, so that a machine without random numbers is found out.
    pub(crate) fn new(now: SystemTime) -> Result<Self, getrandom::Error> {
        Ok(Self { keys: Mutex::new(vec![ClientKey::random(now)?]) })
    }

    /// The key to hand out, which is a new one where the last has been handed out long enough.
    pub(crate) fn current(&self, now: SystemTime) -> Result<ClientKey, getrandom::Error> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = keys.last().filter(|key| key.age(now) < HANDED_OUT) {
            return Ok(newest.clone());
        }
        let new = ClientKey::random(now)?;
        keys.retain(|key| key.age(now) < TAKEN);
        keys.push(new.clone());
        Ok(new)
    }

    /// The keys whose tokens are good.
    pub(super) fn decoding_keys(&self, now: SystemTime) -> Vec<DecodingKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = keys.iter().filter(|key| key.age(now) < TAKEN);
        taken.map(|key| DecodingKey::from_secret(key.secret.as_bytes())).collect()
    }
}

impl ClientKey {
    fn random(made: SystemTime) -> Result<Self, getrandom::Error> {
        // 256 bits, as HS256 wants them.
        let secret = format!("{}{}", random_id()?, random_id()?);
        Ok(Self { id: random_id()?, secret, made })
    }

    /// Nothing where the clock was set back.
    fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.made).unwrap_or_default()
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_mins(1_000_000 + minutes)
    }

    #[test]
    fn a_key_is_handed_out_for_an_hour_and_taken_for_two_more() {
        let keys = ClientKeys::new(at(0)).unwrap();
        let first = keys.current(at(59)).unwrap();
        let second = keys.current(at(60)).unwrap();
        assert_eq!(keys.current(at(0)).unwrap().id, second.id);
        assert!(first.id != second.id && first.secret != second.secret);
        assert_eq!(keys.decoding_keys(at(179)).len(), 2);
        assert_eq!(keys.decoding_keys(at(180)).len(), 1);
        assert_eq!(keys.decoding_keys(at(240)).len(), 0);
        keys.current(at(300)).unwrap();
        assert_eq!(keys.keys.lock().unwrap().len(), 1);
        assert!(!format!("{keys:?}").contains(&first.secret));
    }
}
