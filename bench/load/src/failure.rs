//! The reasons why a load ends early, and their exit codes.

use std::process::ExitCode;

/// The exit code of a bad argument: `EX_USAGE` of sysexits.h.
pub(crate) const BAD_ARGUMENT: u8 = 64;
/// The exit code if the server could not be measured.
const NOT_MEASURED: u8 = 1;
/// The exit code if the server was measured and did not deliver everything once and in order.
pub(crate) const FAULTS_FOUND: u8 = 2;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An argument is wrong; nothing was tried. The text says what to write.
    #[error("{0}")]
    Argument(String),
    /// The server cannot be reached, refuses, gives a wrong answer, or gives no answer.
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

    /// Something in the load's own process failed.
    pub(crate) fn own(error: &std::io::Error) -> Self {
        Self::Server(format!("the load itself failed: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Argument(_) => BAD_ARGUMENT,
            Self::Server(_) => NOT_MEASURED,
        })
    }
}
