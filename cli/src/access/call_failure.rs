//! Turns an error of the SDK into a failure with an exit code.

use signalr_serverless::{Error, Fault};

use crate::failure::Failure;

/// The kinds of failed calls. Each has its own exit code.
pub(crate) fn of(error: &Error) -> Failure {
    let text = error.with_causes();
    let status = match error {
        Error::Refused(refusal) => Some(refusal.status.as_u16()),
        _ => None,
    };
    match (error.fault(), status) {
        (_, Some(401 | 403)) => Failure::Refused(text),
        (_, Some(404)) | (Fault::Client, None) if !is_a_clients_failure(error) => {
            Failure::NotFound(text)
        }
        (Fault::Network, _) => Failure::Unreachable(text),
        (Fault::Service | Fault::Client, _) => Failure::Service(text),
        _ => Failure::Configuration(text),
    }
}

/// Whether the client was connected and failed.
fn is_a_clients_failure(error: &Error) -> bool {
    matches!(error, Error::InvocationFailed { .. } | Error::InvocationTimedOut { .. })
}
