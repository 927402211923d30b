//! Why a request is refused.

use super::queues::Stopping;
use crate::{broker::Down, store::NotWritten};

/// Why a command or a question is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Stopping(#[from] Stopping),
    /// The request concerns other nodes, and they cannot be reached.
    #[error(transparent)]
    Down(#[from] Down),
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
}
