//! Secrets in memory, which Debug never shows.

use std::fmt;

use subtle::ConstantTimeEq;

/// A secret text. Debug does not show it. A comparison reveals nothing except its length.
#[derive(Clone)]
pub(crate) struct Redacted(Box<str>);

impl Redacted {
    pub(crate) fn new(secret: &str) -> Self {
        Self(secret.into())
    }

    /// The secret itself: never print it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl PartialEq for Redacted {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Redacted {}
