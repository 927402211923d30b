//! The error of a filter.

/// What is wrong with a filter, and at which position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong at character {position}: {problem}")]
pub(crate) struct FilterError {
    /// The position in characters, counted from 1.
    pub(super) position: usize,
    pub(super) problem: String,
}
