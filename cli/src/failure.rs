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
/// How long a forced end waits until its reason is read.
const FLUSHED: Duration = Duration::from_millis(100);

/// Why the command ends early. The text names what was wrong and what would be right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A flag, a variable or a file is wrong; nothing was bound.
    #[error("{0}")]
    Configuration(String),
    /// The configuration is good, but the machine refused, such as a port in use.
    #[error("{0}")]
    Start(String),
    /// The thing that was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The thing that was asked about does not exist. The output says so already.
    #[error("not there")]
    Absent,
    /// Nothing answers at the address of the service.
    #[error("{0}")]
    Unreachable(String),
    /// The service, or a client of it, failed.
    #[error("{0}")]
    Service(String),
    /// The service refuses the caller.
    #[error("{0}")]
    Refused(String),
    /// The reader of standard output has closed it.
    #[error("standard output is closed")]
    OutputClosed,
    /// A second signal came while the command was ending.
    #[error("{0}")]
    Forced(SecondSignal),
}

impl Failure {
    /// A bad configuration, with the causes that the error names as its sources.
    pub(crate) fn configuration(error: &dyn Error) -> Self {
        Self::Configuration(with_causes(error))
    }

    /// A service that did not start. `flags` are the flags that choose its port.
    pub(crate) fn start(error: &StartError, flags: &str) -> Self {
        match error {
            StartError::Listen(error) => Self::listen(error, flags),
            StartError::ListenAdmin(error) => Self::listen(error, ADMIN_FLAGS),
            other => Self::Start(with_causes(other)),
        }
    }

    /// A port that could not be opened. `flags` are the flags that choose it.
    pub(crate) fn listen(error: &ListenError, flags: &str) -> Self {
        Self::Start(format!("{} ({flags})", with_causes(error)))
    }

    /// The same failure with the number of the script's line.
    pub(crate) fn at_line(self, number: u64) -> Self {
        let at = |text: String| format!("line {number}: {text}");
        match self {
            Self::Configuration(text) => Self::Configuration(at(text)),
            Self::NotFound(text) => Self::NotFound(at(text)),
            Self::Unreachable(text) => Self::Unreachable(at(text)),
            Self::Service(text) => Self::Service(at(text)),
            Self::Refused(text) => Self::Refused(at(text)),
            other => other,
        }
    }

    /// Prints the failure to standard error.
    pub(crate) fn print(&self, standard_error: &Output) {
        standard_error.send(format!("error: {self}\n").as_bytes());
    }

    /// Prints the failure to standard error and gives its exit code.
    pub(crate) fn report(&self, standard_error: &Output) -> ExitCode {
        if !matches!(self, Self::Absent | Self::OutputClosed) {
            self.print(standard_error);
        }
        match self {
            Self::Configuration(_) => Exit::BadConfiguration.into(),
            Self::NotFound(_) | Self::Absent => Exit::NotFound.into(),
            Self::Unreachable(_) => Exit::Unreachable.into(),
            Self::Service(_) => Exit::ServerFailed.into(),
            Self::Refused(_) => Exit::Refused.into(),
            Self::OutputClosed => ExitCode::SUCCESS,
            Self::Start(_) => Exit::Failed.into(),
            // The process exits at once. Without this the runtime would wait for blocking calls,
            // such as look-ups of names.
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

/// Prints the text of the command-line parser. Help and version are not failures.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // If standard error is closed, nothing more can be reported.
    let _ = error.print();
    if error.use_stderr() { Exit::BadConfiguration.into() } else { ExitCode::SUCCESS }
}

/// Reports that the thread for the output could not be started.
pub(crate) fn no_thread(error: &io::Error) -> ExitCode {
    // If standard error is closed, nothing more can be reported.
    let _ = writeln!(io::stderr(), "error: the system gives no thread: {error}");
    Exit::Failed.into()
}
