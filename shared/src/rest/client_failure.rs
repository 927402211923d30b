//! Refusals that are about the client of a call.

use crate::{
    error::{Error, Refusal},
    error_code,
    name::ConnectionId,
};

/// Turns a refusal about the connection's client into an error of this crate. Other errors stay as
/// they are.
pub(super) fn explain(error: Error, connection: &ConnectionId) -> Error {
    let Error::Refused(refusal) = error else { return error };
    let connection = connection.clone();
    match Outcome::of(&refusal) {
        Some(Outcome::Gone) => Error::ConnectionGone { connection },
        Some(Outcome::TimedOut) => Error::InvocationTimedOut { connection },
        Some(Outcome::Failed) => Error::InvocationFailed {
            connection,
            message: refusal.message.unwrap_or_else(|| "(no message)".to_owned()),
        },
        None => Error::Refused(refusal),
    }
}

/// The outcome of a call that a client should answer.
enum Outcome {
    Gone,
    Failed,
    TimedOut,
}

impl Outcome {
    fn of(refusal: &Refusal) -> Option<Self> {
        const CODES: [(&str, Outcome); 4] = [
            (error_code::CONNECTION_NOT_EXISTED, Outcome::Gone),
            (error_code::CONNECTION_ALREADY_GONE, Outcome::Gone),
            (error_code::INVOCATION_FAILED, Outcome::Failed),
            (error_code::INVOCATION_TIMEOUT, Outcome::TimedOut),
        ];
        CODES.into_iter().find(|(code, _)| refusal.has_code(code)).map(|(_, outcome)| outcome)
    }
}
