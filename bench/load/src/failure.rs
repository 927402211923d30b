//! Why a load ends early, and the exit code that says so.

use std::process::ExitCode;

/// The exit code of a bad argument: `EX_USAGE` of sysexits.h.
pub(crate) const BAD_ARGUMENT: u8 = 64;
/// The exit code of a server that could not be measured.
const NOT_MEASURED: u8 = 1;
/// The exit code of a server that was measured and did not deliver everything once and in order.
pub(crate) const FAULTS_FOUND: u8 = 2;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument is wrong; nothing was tried. The text says what would do.
    #[error("{0}")]
    Argument(String),
    /// The server is not there, refuses, answers something else, or not at all.
    #[error("{0}")]
    Server(String),
}

impl Failure {
    pub(crate) fn argument(text: impl Into<String>) -> Self {
        Self::Argument(text.into())
    }

    pub(crate) fn server(text: impl Into<String>) -> Self {
        Self::Server(text.into())
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Argument(_) => BAD_ARGUMENT,
            Self::Server(_) => NOT_MEASURED,
        })
    }
}
