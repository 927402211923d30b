//! How a method fails.

use signalr_function_runtime::Problem;

/// Why a method did not do what it was called for.
#[derive(Debug)]
pub struct MethodError(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Refused(String),
    Failed(Problem),
}

impl MethodError {
    /// The call is refused, for a reason that the client is told.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self(Kind::Refused(reason.into()))
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

/// The call failed. The service gets the problem, and the client no more than its status.
impl From<Problem> for MethodError {
    fn from(problem: Problem) -> Self {
        Self(Kind::Failed(problem))
    }
}

/// A call of the service failed in turn.
impl From<signalr_serverless::Error> for MethodError {
    fn from(error: signalr_serverless::Error) -> Self {
        Problem::from(error).into()
    }
}
