//! The known keys of an issuer, and whether the issuer should be asked again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::schedule::Schedule;

#[derive(Debug)]
pub(crate) struct State<K, E> {
    held: Option<Held<K>>,
    /// When the last attempt ended, or when it began if it has not ended. An attempt that nobody
    /// waits for counts too.
    attempted: Option<SystemTime>,
    /// How many attempts have ended.
    attempts: u64,
    /// Why the last failed attempt failed.
    failure: Option<Arc<E>>,
}

#[derive(Debug)]
struct Held<K> {
    keys: Arc<K>,
    fetched: SystemTime,
}

impl<K, E> State<K, E> {
    pub(crate) fn new() -> Self {
        Self { held: None, attempted: None, attempts: 0, failure: None }
    }

    pub(crate) fn begin(&mut self, now: SystemTime) {
        self.attempted = Some(now);
    }

    /// Ends an attempt. The pause counts from here: an issuer that hangs can take longer than the
    /// pause, which would then be over already.
    pub(crate) fn end(&mut self, fetched: Result<K, E>, now: SystemTime, took: Duration) {
        self.attempted = Some(now.checked_add(took).unwrap_or(now));
        self.attempts += 1;
        match fetched {
            Ok(keys) => self.held = Some(Held { keys: Arc::new(keys), fetched: now }),
            Err(failure) => self.failure = Some(Arc::new(failure)),
        }
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.attempts
    }

    pub(crate) fn failure(&self) -> Option<Arc<E>> {
        self.failure.clone()
    }

    /// The kept keys, if they are young enough.
    pub(crate) fn usable(&self, schedule: &Schedule, now: SystemTime) -> Option<Arc<K>> {
        let held = self.held.as_ref().filter(|held| since(held.fetched, now) < schedule.usable)?;
        Some(Arc::clone(&held.keys))
    }

    /// Whether the keys are so old that newer ones should be fetched now.
    pub(crate) fn is_due(&self, schedule: &Schedule, now: SystemTime) -> bool {
        let is_fresh = |held: &Held<K>| since(held.fetched, now) < schedule.fresh;
        !self.held.as_ref().is_some_and(is_fresh) && self.may_attempt(schedule, now)
    }

    /// Whether the pause since the last attempt is over.
    pub(crate) fn may_attempt(&self, schedule: &Schedule, now: SystemTime) -> bool {
        let pause = match self.usable(schedule, now) {
            Some(_) => schedule.pause,
            None => schedule.pause_without_keys,
        };
        self.attempted.is_none_or(|attempted| since(attempted, now) >= pause)
    }
}

/// The time since `then`. Zero if the clock was set back, or if another caller's clock was ahead.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
