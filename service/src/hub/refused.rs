//! Why something is not done.

use super::queues::Stopping;
use crate::{broker::Down, store::NotWritten};

/// Why a command or a question is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Stopping(#[from] Stopping),
    /// Other nodes cannot be reached, and it concerns them.
    #[error(transparent)]
    Down(#[from] Down),
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
}
