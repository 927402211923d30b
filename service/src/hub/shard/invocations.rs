//! Invocations of clients, from the call to the client's completion.

use super::{state::Shard, table::Key};
use crate::hub::{
    answer::{Answer, NoForm},
    counts::TargetKind,
    work::Invoke,
};

impl Shard {
    /// Calls a method of a client. The answer comes with the client's completion; its sender is
    /// dropped without one if the connection ends before.
    pub(super) fn invoke(&mut self, invoke: Invoke) {
        let Invoke { hub, connection, invocation_id, message, answer } = invoke;
        let now = self.now();
        let Some(key) = self.find(&hub, &connection) else { return };
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(frame) = message.frame(connection.encoding()) else {
            // The caller may have stopped waiting.
            let _ = answer.send(Err(NoForm));
            return;
        };
        if connection.invocations.as_ref().is_some_and(|all| all.len().is_power_of_two()) {
            // So a client that is called faster than its timer comes keeps no more than twice those
            // who wait.
            connection.forget_callers();
        }
        connection.invocations.get_or_insert_default().insert(invocation_id, answer);
        let sent = self.counts.sent.get_mut(TargetKind::Connection);
        sent.deliveries += 1;
        sent.bytes += frame.len() as u64;
        self.send(key, frame, 1, now);
    }

    /// Hands a client's answer to the caller who waits for it. An answer that nobody waits for
    /// any more is passed over.
    pub(super) fn complete(&mut self, key: Key, invocation_id: &str, answer: Answer) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(invocations) = &mut connection.invocations else { return };
        if let Some(waiting) = invocations.remove(invocation_id) {
            // The caller may have stopped waiting.
            let _ = waiting.send(Ok(answer));
        }
        if invocations.is_empty() {
            connection.invocations = None;
        }
    }
}
