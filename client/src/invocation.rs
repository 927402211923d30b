//! Calls of the client's methods by the server.

use serde::Serialize;
use tokio::sync::oneshot;

use crate::{
    encoding::Protocol,
    payload::{Payload, PayloadError},
    protocol::Outcome,
};

/// A call by the server.
#[derive(Debug)]
pub struct Invocation {
    pub(crate) target: String,
    pub(crate) arguments: Payload,
    pub(crate) protocol: Protocol,
    /// The channel for the answer, if the server waits for one.
    pub(crate) answer: Option<oneshot::Sender<Outcome>>,
}

impl Invocation {
    /// The name of the method.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The arguments, an array.
    #[must_use]
    pub fn arguments(&self) -> &Payload {
        &self.arguments
    }

    /// Whether the server waits for an answer. If this call is dropped without an answer, the
    /// server gets an error.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        self.answer.is_some()
    }

    /// Answers with a result. If the server does not wait for one, this does nothing.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if the result cannot be encoded.
    pub fn answer(mut self, result: &(impl Serialize + ?Sized)) -> Result<(), PayloadError> {
        if let Some(answer) = self.answer.take() {
            // Nobody waits if the connection is lost.
            let _ = answer.send(Ok(Some(Payload::encode(self.protocol, result)?)));
        }
        Ok(())
    }

    /// Answers that the call failed.
    pub fn fail(mut self, error: &str) {
        if let Some(answer) = self.answer.take() {
            // As above.
            let _ = answer.send(Err(error.to_owned()));
        }
    }
}
