//! Answers to messages that have an ack id.

use std::fmt::Display;

use bytes::Bytes;
use signalr_server_protocol::{Ack, AckStatus, Extensions};

use crate::{app_server::AppLink, hub::Refused};

/// The result of a message.
pub(super) type Outcome = Result<bool, NotDone>;

/// Why a message was not carried out.
pub(super) struct NotDone {
    status: AckStatus,
    text: String,
}

impl NotDone {
    /// The message names something that is not possible. The status is a guess: SDKs throw an
    /// exception for it, in the same way as for a 400 of REST.
    pub(super) fn bad(problem: &impl Display) -> Self {
        Self { status: AckStatus::Forbidden, text: problem.to_string() }
    }
}

impl<E: Into<Refused>> From<E> for NotDone {
    fn from(error: E) -> Self {
        let error: Refused = error.into();
        Self { status: AckStatus::InternalServerError, text: error.to_string() }
    }
}

impl AppLink {
    /// Answers whether something was done, or is true.
    pub(super) fn answer(&self, ack_id: i32, outcome: Outcome) {
        let (status, text) = match outcome {
            Ok(true) => (AckStatus::Ok, String::new()),
            Ok(false) => (AckStatus::NotFound, String::new()),
            Err(NotDone { status, text }) => (status, text),
        };
        self.ack(ack_id, status, text, None);
    }

    /// Answers with a payload.
    pub(super) fn answer_with(&self, ack_id: i32, payload: Bytes) {
        self.ack(ack_id, AckStatus::Ok, String::new(), Some(payload));
    }

    fn ack(&self, ack_id: i32, status: AckStatus, message: String, payload: Option<Bytes>) {
        let extensions = Extensions::default();
        self.queue.push(Ack { ack_id, status, message, extensions, payload });
    }
}
