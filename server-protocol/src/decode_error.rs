//! Why a message cannot be read.

use crate::kind::Kind;

/// A message that cannot be read. Later messages can be read, because the lengths are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {item} {problem}")]
pub struct DecodeError {
    /// The type of the message, as far as it is known.
    message: &'static str,
    item: &'static str,
    problem: Problem,
}

/// What is wrong with an item. The texts follow the item's name. They show no received text,
/// because it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("is missing: the array ends before it")]
    Missing,
    #[error("is cut: the message ends within it")]
    Cut,
    #[error("should be {expected}, but {came} came")]
    Kind { expected: &'static str, came: Kind },
    #[error("is text that is not UTF-8")]
    NotUtf8,
    #[error("is a number beyond its range")]
    Range,
    #[error("is {0}, which this version does not know")]
    Unknown(u64),
    #[error("is another extension type than a timestamp")]
    NoTimestamp,
}

impl DecodeError {
    pub(crate) fn new(message: &'static str, item: &'static str, problem: Problem) -> Self {
        Self { message, item, problem }
    }
}
