//! The claims of a token, and the time in which it is valid.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::error::Error;

/// 9999-12-31T23:59:59Z: the last second that readers of `exp` in other languages understand.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

/// A claim's name and value.
pub(super) type Claim<'a> = (Cow<'a, str>, Value);

/// The claims in the order in which they are written.
pub(super) struct Payload<'a>(pub(super) Vec<Claim<'a>>);

impl serde::Serialize for Payload<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The time in which a token is valid, in seconds since 1970.
pub(super) struct Validity {
    start: u64,
    pub(super) end: u64,
}

impl Validity {
    pub(super) fn new(lifetime: Duration, now: SystemTime) -> Result<Self, Error> {
        let invalid = |problem: String| Error::InvalidValue {
            what: "token lifetime",
            problem,
            remedy: "use whole seconds, at least 1, that end before the year 10000",
        };
        let start = now
            .duration_since(UNIX_EPOCH)
            .map_err(|_| invalid("begins before 1970".to_owned()))?
            .as_secs();
        if lifetime.as_secs() == 0 {
            return Err(invalid(format!("is {lifetime:?}")));
        }
        match start.checked_add(lifetime.as_secs()) {
            Some(end @ ..=LAST_SECOND) => Ok(Self { start, end }),
            _ => Err(invalid(format!("is {} s", lifetime.as_secs()))),
        }
    }

    pub(super) fn claims(&self, audience: &str) -> [Claim<'static>; 4] {
        [
            ("nbf".into(), self.start.into()),
            ("exp".into(), self.end.into()),
            ("iat".into(), self.start.into()),
            ("aud".into(), audience.into()),
        ]
    }
}
