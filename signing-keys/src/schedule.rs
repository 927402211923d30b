//! How long keys are kept, and how often their issuer is asked.

use std::time::Duration;

/// How long keys are kept, and how often their issuer is asked.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a keeper of keys has to choose each of these")]
pub struct Schedule {
    /// From this age on keys are fetched again.
    pub fresh: Duration,
    /// Up to this age keys are used while newer ones cannot be had.
    pub usable: Duration,
    /// The pause between two attempts while there are keys that can be used. It is counted from
    /// the end of an attempt.
    pub pause: Duration,
    /// The same while there are none.
    pub pause_without_keys: Duration,
    /// How long a caller who has keys that can be used waits for newer ones.
    pub patience: Duration,
}
