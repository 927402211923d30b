//! Invocations of clients, from the call to the client's completion.

use tokio::sync::oneshot;

use super::{Key, Shard, reply};
use crate::{
    hub::command::{Action, Answer, Command},
    protocol::Outcome,
};

impl Shard {
    /// Calls a method of a client. The answer comes with the client's completion; it is dropped
    /// without one where the connection ends before.
    pub(super) fn invoke(&mut self, command: &Command, answer: Option<oneshot::Sender<Answer>>) {
        let Action::Invoke { connection, invocation_id, message } = &command.action else { return };
        let now = self.now();
        let Some(key) = self.find(&command.hub, connection) else {
            return reply(answer, Answer::Count(0));
        };
        if let (Some(answer), Some(connection)) = (answer, self.connections.get_mut(key)) {
            let invocations = connection.invocations.get_or_insert_default();
            // Callers that waited long enough are gone.
            invocations.retain(|_, waiting| !waiting.is_closed());
            invocations.insert(invocation_id.clone(), answer);
        }
        if let Some(frame) = self.connections.get(key).and_then(|one| message.frame(one.encoding()))
        {
            self.send(key, frame, 1, now);
        }
    }

    /// Hands a client's answer to the caller who waits for it. An answer that nobody waits for
    /// any more is passed over.
    pub(super) fn complete(&mut self, key: Key, invocation_id: &str, outcome: Outcome) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(invocations) = &mut connection.invocations else { return };
        reply(invocations.remove(invocation_id), Answer::Outcome(outcome));
        if invocations.is_empty() {
            connection.invocations = None;
        }
    }
}
