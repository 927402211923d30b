//! Why the command ends early, and the exit code that says so.

use std::{
    error::Error,
    io::{self, Write},
    process::{self, ExitCode},
    time::Duration,
};

use signalr_http_server::{Exit, ListenError, SecondSignal};
use signalr_serverless::with_causes;
use signalr_service::{StartError, upstream::SettingsError};

use crate::output::Output;

const ADMIN_FLAGS: &str = "flags --admin-port and --admin-ip";
/// How long an end by force waits for somebody to read why.
const FLUSHED: Duration = Duration::from_millis(100);

/// Why the command ends early. The text names what was wrong and what would do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A flag, a variable or a file is wrong; nothing was bound.
    #[error("{0}")]
    Configuration(String),
    /// The configuration is good, but the machine refused, such as a port in use.
    #[error("{0}")]
    Start(String),
    /// A second signal came while the command was ending.
    #[error("{0}")]
    Forced(SecondSignal),
}

impl Failure {
    /// A bad configuration, with the causes that the error names as its sources.
    pub(crate) fn configuration(error: &dyn Error) -> Self {
        Self::Configuration(with_causes(error))
    }

    /// A service that did not start; `flags` are those that choose its port.
    pub(crate) fn start(error: &StartError, flags: &str) -> Self {
        match error {
            StartError::Listen(error) => Self::listen(error, flags),
            StartError::ListenAdmin(error) => Self::listen(error, ADMIN_FLAGS),
            other => Self::Start(with_causes(other)),
        }
    }

    /// A port that could not be opened; `flags` are those that choose it.
    pub(crate) fn listen(error: &ListenError, flags: &str) -> Self {
        Self::Start(format!("{} ({flags})", with_causes(error)))
    }

    /// Prints the failure to standard error and gives its exit code.
    pub(crate) fn report(&self, standard_error: &Output) -> ExitCode {
        standard_error.send(format!("error: {self}\n").as_bytes());
        match self {
            Self::Configuration(_) => Exit::BadConfiguration.into(),
            Self::Start(_) => Exit::Failed.into(),
            // At once: the runtime's own end would wait for calls that block, such as look-ups of
            // names.
            Self::Forced(SecondSignal(signal)) => {
                standard_error.flush(FLUSHED);
                process::exit(signal.exit_code().into())
            }
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::configuration(&error)
    }
}

impl From<SecondSignal> for Failure {
    fn from(second: SecondSignal) -> Self {
        Self::Forced(second)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Start(with_causes(&error))
    }
}

/// Prints what the command-line parser says. Help and version are no failures.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be told where standard error is closed.
    let _ = error.print();
    if error.use_stderr() { Exit::BadConfiguration.into() } else { ExitCode::SUCCESS }
}

/// Says that the command cannot even write without waiting.
pub(crate) fn no_thread(error: &io::Error) -> ExitCode {
    // Nothing is left to be told where standard error is closed.
    let _ = writeln!(io::stderr(), "error: the system gives no thread: {error}");
    Exit::Failed.into()
}
