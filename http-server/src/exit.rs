//! The exit codes of programs.

use std::process::ExitCode;

/// The reason why a program ends early. Each reason has its exit code.
///
/// ```
/// use std::process::ExitCode;
/// use signalr_http_server::Exit;
///
/// assert_eq!(ExitCode::from(Exit::BadConfiguration), ExitCode::from(64));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 64, `EX_USAGE` of sysexits.h: a flag, a variable or a file is wrong, and nothing was bound.
    BadConfiguration,
    /// 66, `EX_NOINPUT`: the thing that was asked for does not exist.
    NotFound,
    /// 69, `EX_UNAVAILABLE`: a server cannot be reached.
    Unreachable,
    /// 70, `EX_SOFTWARE`: a server failed.
    ServerFailed,
    /// 77, `EX_NOPERM`: a server refuses the caller.
    Refused,
    /// 1: the configuration is good, but the machine refused it. For example, a port is in use.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::BadConfiguration => Self::from(64),
            Exit::NotFound => Self::from(66),
            Exit::Unreachable => Self::from(69),
            Exit::ServerFailed => Self::from(70),
            Exit::Refused => Self::from(77),
            Exit::Failed => Self::FAILURE,
        }
    }
}
