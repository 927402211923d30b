//! What stands in a message of the load.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The method of clients that messages call.
pub(super) const TARGET: &str = "bench";

/// The arguments of a message, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Tells this run's messages from those of others.
    pub(super) run: u32,
    pub(super) sender: u32,
    pub(super) number: u32,
    /// When it was due, in microseconds from the beginning.
    pub(super) due: u64,
}

/// The arguments as they travel.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Arguments<T>(u32, u32, u32, u64, T);

impl Stamp {
    pub(super) fn with<'a>(&self, text: &'a str) -> Arguments<&'a str> {
        Arguments(self.run, self.sender, self.number, self.due, text)
    }
}

impl<T> From<Arguments<T>> for Stamp {
    fn from(Arguments(run, sender, number, due, _): Arguments<T>) -> Self {
        Self { run, sender, number, due }
    }
}

/// The text is looked at by nobody.
pub(super) type Received = Arguments<serde::de::IgnoredAny>;

/// The arguments as JSON.
pub(super) fn json(arguments: &Arguments<&str>) -> serde_json::Result<Box<RawValue>> {
    serde_json::value::to_raw_value(arguments)
}
