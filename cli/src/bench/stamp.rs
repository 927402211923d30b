//! The content of a message of the load.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The client method that the messages call.
pub(super) const TARGET: &str = "bench";

/// The arguments of a message, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The number of this run. Messages of other runs have another number.
    pub(super) run: u32,
    pub(super) sender: u32,
    pub(super) number: u32,
    /// When the message was due, in microseconds from the beginning.
    pub(super) due: u64,
}

/// The arguments as they are sent.
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

/// The arguments as they are received. The text is ignored.
pub(super) type Received = Arguments<serde::de::IgnoredAny>;

/// The arguments as JSON.
pub(super) fn json(arguments: &Arguments<&str>) -> serde_json::Result<Box<RawValue>> {
    serde_json::value::to_raw_value(arguments)
}
