//! The last known health of an endpoint.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// The known state of one endpoint. The lock is held only to copy two values.
#[derive(Debug)]
pub(super) struct Health(Mutex<Known>);

#[derive(Clone, Copy, Debug)]
struct Known {
    is_online: bool,
    asked: Option<SystemTime>,
}

impl Health {
    /// The state before the first question: online.
    pub(super) fn unknown() -> Self {
        Self(Mutex::new(Known { is_online: true, asked: None }))
    }

    pub(super) fn is_online(&self) -> bool {
        self.known().is_online
    }

    /// Whether the endpoint was never asked, or longer ago than this. If the clock was set back,
    /// the answer is yes. Otherwise an old state would stay until the clock has caught up.
    pub(super) fn is_older_than(&self, max_age: Duration, now: SystemTime) -> bool {
        let age = self.known().asked.and_then(|asked| now.duration_since(asked).ok());
        age.is_none_or(|age| age > max_age)
    }

    /// Notes that the endpoint is being asked, so that other callers do not ask too.
    pub(super) fn asked(&self, now: SystemTime) {
        self.known().asked = Some(now);
    }

    pub(super) fn answered(&self, is_online: bool) {
        self.known().is_online = is_online;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_grows_old() {
        let second = Duration::from_secs;
        let at = |seconds| SystemTime::UNIX_EPOCH + second(seconds);
        let health = Health::unknown();
        assert!(health.is_online() && health.is_older_than(second(999), at(0)));
        health.asked(at(100));
        assert!(!health.is_older_than(second(10), at(110)));
        assert!(health.is_older_than(second(10), at(111)));
        assert!(health.is_older_than(second(10), at(99)));
        health.answered(false);
        assert!(!health.is_online());
    }
}
