//! What can be wrong with a filter.

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the filter is wrong at character {position}: {problem}")]
pub(crate) struct FilterError {
    /// Counted in characters, from 1.
    pub(super) position: usize,
    pub(super) problem: String,
}
