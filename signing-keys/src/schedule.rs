//! How long keys are kept, and how often their issuer is asked.

use std::time::Duration;

/// How long keys are kept, and how often their issuer is asked.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a keeper of keys has to choose each of these")]
pub struct Schedule {
    /// Keys of this age or more are fetched again.
    pub fresh: Duration,
    /// Keys up to this age are used while newer ones cannot be fetched.
    pub usable: Duration,
    /// The pause between two attempts while there are keys that can be used. It is counted from
    /// the end of an attempt.
    pub pause: Duration,
    /// The pause between two attempts while there are no such keys.
    pub pause_without_keys: Duration,
    /// How long a caller waits for newer keys if there are keys that can be used.
    pub patience: Duration,
}
