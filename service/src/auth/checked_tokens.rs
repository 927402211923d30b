//! The claims of tokens whose signature is checked already. A back end sends one token with many calls,
//! and a client sends its token with the negotiation and with each poll.
//!
//! A token that is not used for ten seconds is dropped. Only the signature is not checked again. Times and audiences are. The tokens belong to the keys that
//! signed them: new keys begin without any.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signalr_serverless::token::Claims;

/// How many tokens each generation has at most. A back end that sends to each of this many groups in turn
/// still has all its tokens here.
const MOST: usize = 2048;
/// The longest token that is kept, in bytes. So all of them together take some megabytes.
const LONGEST: usize = 1024;

type Generation = HashMap<Box<str>, Arc<Claims>>;

/// Tokens in two generations. If the young one is full, it becomes the old one, and the old one is
/// dropped. A token that is used again becomes young again.
#[derive(Default)]
pub(crate) struct CheckedTokens(
    // Held for short synchronous sections only.
    Mutex<Generations>,
);

#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

impl CheckedTokens {
    /// The claims of a token that was kept.
    pub(super) fn claims(&self, token: &str) -> Option<Arc<Claims>> {
        let mut generations = self.lock();
        if let Some(claims) = generations.young.get(token) {
            return Some(Arc::clone(claims));
        }
        let (token, claims) = generations.old.remove_entry(token)?;
        let dropped = generations.add(token, Arc::clone(&claims));
        drop(generations);
        drop(dropped);
        Some(claims)
    }

    /// Keeps a token whose signature is right.
    pub(super) fn keep(&self, token: &str, claims: &Arc<Claims>) {
        if token.len() <= LONGEST {
            let dropped = self.lock().add(token.into(), Arc::clone(claims));
            // The lock is free here.
            drop(dropped);
        }
    }

    /// Drops the tokens that were not used since the call before this one.
    pub(crate) fn age(&self) {
        let dropped = self.lock().turn();
        // The lock is free here.
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    /// Adds a young token. Returns the generation that is dropped for it.
    fn add(&mut self, token: Box<str>, claims: Arc<Claims>) -> Generation {
        let dropped = match self.young.len() {
            0..MOST => Generation::default(),
            _ => self.turn(),
        };
        self.young.insert(token, claims);
        dropped
    }

    /// Makes the young generation the old one. Returns the generation that is dropped for it.
    fn turn(&mut self) -> Generation {
        mem::replace(&mut self.old, mem::take(&mut self.young))
    }
}

impl fmt::Debug for CheckedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedTokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(number: usize) -> Arc<Claims> {
        Arc::new(Claims::from_iter([("n".to_owned(), number.into())]))
    }

    #[test]
    fn tokens_that_come_again_stay_and_the_others_have_a_bound() {
        let tokens = CheckedTokens::default();
        tokens.keep("often", &claims(0));
        for number in 1..=10 * MOST {
            tokens.keep(&number.to_string(), &claims(number));
            assert_eq!(tokens.claims("often"), Some(claims(0)));
            let generations = tokens.lock();
            assert!(generations.young.len() <= MOST && generations.old.len() <= MOST);
        }
        assert_eq!(tokens.claims(&(10 * MOST).to_string()), Some(claims(10 * MOST)));
        assert_eq!(tokens.claims("1"), None);
    }

    #[test]
    fn as_many_tokens_in_turn_as_a_generation_has_are_all_found() {
        let tokens = CheckedTokens::default();
        for number in 0..MOST {
            tokens.keep(&number.to_string(), &claims(number));
        }
        for number in (0..MOST).chain(0..MOST) {
            assert_eq!(tokens.claims(&number.to_string()), Some(claims(number)));
        }
    }

    #[test]
    fn tokens_that_are_not_used_leave_nothing() {
        let tokens = CheckedTokens::default();
        for number in 0..2 * MOST {
            tokens.keep(&number.to_string(), &claims(number));
        }
        tokens.keep("used", &claims(0));
        tokens.age();
        assert_eq!(tokens.claims("used"), Some(claims(0)));
        tokens.age();
        assert_eq!(tokens.claims("used"), Some(claims(0)));
        tokens.age();
        tokens.age();
        let generations = tokens.lock();
        assert_eq!((generations.young.capacity(), generations.old.capacity()), (0, 0));
    }

    #[test]
    fn a_long_token_is_not_kept() {
        let (tokens, long) = (CheckedTokens::default(), "x".repeat(LONGEST + 1));
        tokens.keep(&long, &claims(0));
        assert_eq!(tokens.claims(&long), None);
    }
}
