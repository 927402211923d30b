//! The tokens of the last calls, which further calls of the same URLs use again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;

use crate::{access_key::AccessKey, error::Error, token::Token};

const LIFETIME: Duration = Duration::from_secs(3600);
/// A token is used again for half its lifetime. So a service whose clock is ahead takes it too.
const USED_AGAIN: Duration = Duration::from_secs(LIFETIME.as_secs() / 2);
/// The most tokens that are kept. A program that calls more URLs signs more often.
const MOST: usize = 64;
/// The longest URL whose token is kept, in bytes.
const LONGEST: usize = 1024;

/// Signs the tokens of calls with one access key. Clones share the tokens.
#[derive(Clone, Debug)]
pub(super) struct RecentTokens {
    key: AccessKey,
    // Held for short synchronous sections only.
    kept: Arc<Mutex<HashMap<Box<str>, Kept>>>,
}

#[derive(Debug)]
struct Kept {
    /// `Bearer` and the token. Debug does not show it.
    bearer: HeaderValue,
    signed: SystemTime,
}

impl RecentTokens {
    pub(super) fn new(key: AccessKey) -> Self {
        Self { key, kept: Arc::default() }
    }

    /// `Bearer` and a token for this audience.
    pub(super) fn bearer(&self, audience: &str, now: SystemTime) -> Result<HeaderValue, Error> {
        if let Some(kept) = self.lock().get(audience)
            && now.duration_since(kept.signed).is_ok_and(|age| age < USED_AGAIN)
        {
            return Ok(kept.bearer.clone());
        }
        let bearer = bearer(&Token::rest(&self.key, audience, LIFETIME, now)?);
        if audience.len() <= LONGEST {
            let mut kept = self.lock();
            if kept.len() >= MOST && !kept.contains_key(audience) {
                kept.clear();
            }
            kept.insert(audience.into(), Kept { bearer: bearer.clone(), signed: now });
        }
        Ok(bearer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Bearer` and this token.
pub(super) fn bearer(token: &Token) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "a token has letters, digits and -._~+/= only")]
    let mut value =
        HeaderValue::try_from(format!("Bearer {}", token.as_str())).expect("a token fits a header");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> RecentTokens {
        RecentTokens::new(AccessKey::parse("k").unwrap())
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn a_token_is_used_again_for_half_its_lifetime() {
        let tokens = tokens();
        let bearer = |audience: &str, seconds| tokens.bearer(audience, at(seconds)).unwrap();
        let first = bearer("http://x/a", 0);
        assert_eq!(bearer("http://x/a", 1799), first);
        assert_ne!(bearer("http://x/b", 1799), first);
        let second = bearer("http://x/a", 1800);
        assert_ne!(second, first);
        assert_eq!(bearer("http://x/a", 3599), second);
        assert!(second.is_sensitive() && !format!("{tokens:?}").contains("Bearer"));
    }

    #[test]
    fn a_clock_that_was_set_back_needs_a_new_token() {
        let tokens = tokens();
        let early = tokens.bearer("http://x/a", at(0)).unwrap();
        tokens.bearer("http://x/a", at(10_000)).unwrap();
        assert_eq!(tokens.bearer("http://x/a", at(0)).unwrap(), early);
    }

    #[test]
    fn few_tokens_of_short_urls_are_kept() {
        let tokens = tokens();
        for number in 0..10 * MOST {
            tokens.bearer(&format!("http://x/{number}"), at(0)).unwrap();
            assert!((1..=MOST).contains(&tokens.lock().len()));
        }
        let long = "x".repeat(LONGEST + 1);
        tokens.bearer(&long, at(0)).unwrap();
        assert!(!tokens.lock().contains_key(long.as_str()));
    }
}
