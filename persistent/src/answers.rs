//! Calls that wait for an answer.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, Ordering::Relaxed},
    },
};

use signalr_server_protocol::{Ack, ClientCompletion, Message};
use tokio::sync::oneshot;

use crate::error::Error;

/// The calls of one connection that wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    next: AtomicI32,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    acks: HashMap<i32, oneshot::Sender<Ack>>,
    invocations: HashMap<String, oneshot::Sender<Result<ClientCompletion, String>>>,
}

impl Answers {
    /// Registers a new call and returns its id and its future answer. If the connection is lost,
    /// the sender of the answer is dropped.
    pub(crate) fn await_ack(&self) -> (i32, oneshot::Receiver<Ack>) {
        let (sender, answer) = oneshot::channel();
        // Ids count up from 1 and start again after the last.
        let id = self.next.fetch_add(1, Relaxed).wrapping_add(1) & i32::MAX;
        let mut waiting = self.waiting();
        // Entries of callers that gave up are removed from time to time, so that the table stays
        // small.
        if waiting.acks.len().is_power_of_two() {
            waiting.acks.retain(|_, one| !one.is_closed());
        }
        waiting.acks.insert(id, sender);
        (id, answer)
    }

    /// The client's future answer to an invocation with this id.
    pub(crate) fn await_client(
        &self,
        invocation_id: String,
    ) -> oneshot::Receiver<Result<ClientCompletion, String>> {
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.invocations.len().is_power_of_two() {
            waiting.invocations.retain(|_, one| !one.is_closed());
        }
        waiting.invocations.insert(invocation_id, sender);
        answer
    }

    /// Gives a message of the service to the call that waits for it. If no call waits, the message is
    /// ignored.
    pub(crate) fn take(&self, message: Message) {
        let mut waiting = self.waiting();
        // The caller may have given up.
        match message {
            Message::Ack(ack) => {
                if let Some(call) = waiting.acks.remove(&ack.ack_id) {
                    let _ = call.send(ack);
                }
            }
            Message::ClientCompletion(completion) => {
                if let Some(call) = waiting.invocations.remove(&completion.invocation_id) {
                    let _ = call.send(Ok(completion));
                }
            }
            Message::ErrorCompletion(error) => {
                if let Some(call) = waiting.invocations.remove(&error.invocation_id) {
                    let _ = call.send(Err(error.error));
                }
            }
            _ => {}
        }
    }

    /// Drops all waiting answers, because the connection is lost.
    pub(crate) fn lose(&self) {
        *self.waiting() = Waiting::default();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a question: yes or no. Other statuses are errors.
pub(crate) fn is_yes(ack: &Ack) -> Result<bool, Error> {
    use signalr_server_protocol::AckStatus;

    match ack.status {
        AckStatus::Ok => Ok(true),
        AckStatus::NotFound => Ok(false),
        status => Err(Error::Failed { status: format!("{status:?}"), text: ack.message.clone() }),
    }
}
