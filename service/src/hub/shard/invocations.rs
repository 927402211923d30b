//! Invocations of clients, from the call to the client's completion.

use signalr_server_protocol::{ClientInvocation, Extensions, Payloads};

use super::{state::Shard, table::Key};
use crate::hub::{
    answer::{Answer, NoAnswer},
    connection::Waiting,
    counts::TargetKind,
    work::Invoke,
};

impl Shard {
    /// Calls a method of a client. The answer comes with the client's completion. If the connection
    /// ends before that, the sender of the answer is dropped.
    pub(super) fn invoke(&mut self, invoke: Invoke) {
        let Invoke { hub, connection, invocation_id, message, asked_by, answer } = invoke;
        let now = self.now();
        let Some(key) = self.find(&hub, &connection) else { return };
        let Some(connection) = self.table.get_mut(key) else { return };
        let encoding = connection.encoding();
        let frame = match connection.other_protocol() {
            Some(name) => message.frame_of_other(name, encoding),
            None => message.frame(encoding).cloned(),
        };
        let Some(frame) = frame else {
            // The caller may have stopped waiting.
            let _ = answer.send(Err(NoAnswer::NoForm));
            return;
        };
        if connection.invocations.as_ref().is_some_and(|all| all.len().is_power_of_two()) {
            // A client may be called more often than its timer is checked. This check keeps at most
            // twice as many callers as are really waiting.
            connection.forget_callers();
        }
        let route = connection.app.as_ref().and_then(|route| route.seat());
        let is_by_app = route.is_some() && asked_by.is_some();
        if let (Some(seat), Some(asked_by)) = (route, asked_by)
            && seat.link.server != asked_by
        {
            // With this the client's app server knows where to send the answer.
            seat.link.queue.push(ClientInvocation {
                invocation_id: invocation_id.clone(),
                connection_id: connection.identity.id.to_string(),
                caller_server_id: asked_by,
                payloads: Payloads::default(),
                extensions: Extensions::default(),
            });
        }
        let waiting = Waiting { answer, is_by_app, is_passed_on: false };
        connection.invocations.get_or_insert_default().insert(invocation_id, waiting);
        let sent = self.counts.sent.get_mut(TargetKind::Connection);
        sent.deliveries += 1;
        sent.bytes += frame.len() as u64;
        self.send(key, &frame, 1, now);
    }

    /// Passes a client's answer to the caller that waits for it. If no caller waits any more, the
    /// answer is dropped.
    pub(super) fn complete(&mut self, key: Key, invocation_id: &str, answer: Answer) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(invocations) = &mut connection.invocations else { return };
        if let Some(waiting) = invocations.remove(invocation_id) {
            // The caller may have stopped waiting.
            let _ = waiting.answer.send(Ok(answer));
        }
        if invocations.is_empty() {
            connection.invocations = None;
        }
    }
}
