//! The error of a method.

use signalr_function_runtime::Problem;

/// Why a method failed.
#[derive(Debug)]
pub struct MethodError(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Refused(String),
    Failed(Problem),
}

impl MethodError {
    /// Refuses the call. The client gets the reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self(Kind::Refused(reason.into()))
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

/// The call failed. The service gets the problem; the client gets only its status.
impl From<Problem> for MethodError {
    fn from(problem: Problem) -> Self {
        Self(Kind::Failed(problem))
    }
}

/// The method's own call to the service failed.
impl From<signalr_serverless::Error> for MethodError {
    fn from(error: signalr_serverless::Error) -> Self {
        Problem::from(error).into()
    }
}
