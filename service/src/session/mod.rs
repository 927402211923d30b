//! One connection's state: handshake, pings, time limits, and what a client may say.
//!
//! Bytes and the time come in, [`Effect`]s go out. There is no socket, task or clock here;
//! transports carry the bytes, and the shard that owns the connection keeps the time.

use crate::protocol::{
    ClientMessage, Outcome, Protocol, ProtocolError, handshake,
    json::{self, RECORD_SEPARATOR},
};

/// Whole seconds since the service started.
pub(crate) type Seconds = u32;

/// What happens to a client that sends while nobody is there to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientMessages {
    /// A call that waits for an answer gets an error, and the connection is closed with the reason.
    #[default]
    Close,
    /// A call that waits for an answer gets an error, but one that asks for a stream may be
    /// answered by REST; the connection stays open.
    Ignore,
}

/// The rules that hold for every session of a service.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) handshake_timeout: Seconds,
    /// A ping is due where nothing was sent for this long.
    pub(crate) keep_alive: Seconds,
    /// A client that said nothing for this long is taken for gone.
    pub(crate) client_timeout: Seconds,
    /// How long a client has to answer a close.
    pub(crate) close_timeout: Seconds,
    /// The largest message that a client may send, in bytes.
    pub(crate) max_message: usize,
    pub(crate) client_messages: ClientMessages,
}

/// What the owner of a session has to do, in order.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The handshake is done: the connection takes part in its hub from now on.
    Open,
    /// Send these hub-protocol bytes.
    Send(Vec<u8>),
    /// The client answered an invocation of the service.
    Completed { invocation_id: String, outcome: Outcome },
    /// Send what is queued, then end the transport. The session is over.
    End,
    /// Drop the transport at once. The session is over.
    Abort,
}

/// The session of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    last_sent: Seconds,
    last_received: Seconds,
    /// The beginning of a message whose end has not come yet.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open(Protocol),
    Ended { since: Seconds },
}

impl Session {
    pub(crate) fn new(now: Seconds) -> Self {
        Self { phase: Phase::Handshake, last_sent: now, last_received: now, partial: Vec::new() }
    }

    /// Notes that bytes were sent, so that no ping is due.
    pub(crate) fn sent(&mut self, now: Seconds) {
        self.last_sent = now;
    }

    /// Takes what one transport message brought: any number of hub messages, the last maybe cut.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Seconds, rules: &Rules) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut rest = bytes;
        self.last_received = now;
        while let Some(end) = rest.iter().position(|byte| *byte == RECORD_SEPARATOR) {
            if self.partial.is_empty() {
                self.take_record(&rest[..end], now, rules, &mut effects);
            } else {
                let mut record = std::mem::take(&mut self.partial);
                record.extend_from_slice(&rest[..end]);
                self.take_record(&record, now, rules, &mut effects);
            }
            rest = &rest[end + 1..];
        }
        if matches!(self.phase, Phase::Ended { .. }) {
            self.partial = Vec::new();
        } else if self.partial.len() + rest.len() > rules.max_message {
            let limit = rules.max_message;
            self.fail(&format!("a message is longer than {limit} bytes"), now, &mut effects);
        } else {
            self.partial.extend_from_slice(rest);
        }
        effects
    }

    /// When [`tick`](Self::tick) is due next, unless something is sent or received before.
    pub(crate) fn deadline(&self, rules: &Rules) -> Seconds {
        match self.phase {
            Phase::Handshake => self.last_received.saturating_add(rules.handshake_timeout),
            Phase::Open(_) => {
                let ping = self.last_sent.saturating_add(rules.keep_alive);
                ping.min(self.last_received.saturating_add(rules.client_timeout))
            }
            Phase::Ended { since } => since.saturating_add(rules.close_timeout),
        }
    }

    /// Lets time pass: a ping where one is due, an end where a time limit ran out.
    pub(crate) fn tick(&mut self, now: Seconds, rules: &Rules) -> Vec<Effect> {
        let mut effects = Vec::new();
        match self.phase {
            Phase::Handshake if now >= self.deadline(rules) => {
                effects.push(Effect::Send(handshake::refusal("Handshake was canceled.")));
                self.end(now, &mut effects);
            }
            Phase::Open(_) if now - self.last_received >= rules.client_timeout => {
                let silence = now - self.last_received;
                let reason = format!("the client sent nothing for {silence} seconds");
                effects.extend(self.close(Some(&reason), true, now));
            }
            Phase::Open(Protocol::Json) if now - self.last_sent >= rules.keep_alive => {
                effects.push(Effect::Send(json::PING.to_vec()));
            }
            Phase::Ended { .. } if now >= self.deadline(rules) => effects.push(Effect::Abort),
            Phase::Handshake | Phase::Open(_) | Phase::Ended { .. } => {}
        }
        effects
    }

    /// Closes the session from the service's side.
    pub(crate) fn close(
        &mut self,
        reason: Option<&str>,
        allow_reconnect: bool,
        now: Seconds,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        match self.phase {
            Phase::Handshake => {
                let reason = reason.unwrap_or("the connection was closed");
                effects.push(Effect::Send(handshake::refusal(reason)));
            }
            Phase::Open(Protocol::Json) => {
                effects.push(Effect::Send(json::close(reason, allow_reconnect)));
            }
            Phase::Ended { .. } => return effects,
        }
        self.end(now, &mut effects);
        effects
    }

    /// Notes that the transport is ending, whoever began it.
    pub(crate) fn transport_ended(&mut self, now: Seconds) {
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.phase = Phase::Ended { since: now };
        }
    }

    fn take_record(
        &mut self,
        record: &[u8],
        now: Seconds,
        rules: &Rules,
        effects: &mut Vec<Effect>,
    ) {
        match self.phase {
            Phase::Handshake => self.shake_hands(record, now, effects),
            Phase::Open(Protocol::Json) => self.act(json::parse(record), now, rules, effects),
            Phase::Ended { .. } => {}
        }
    }

    fn shake_hands(&mut self, record: &[u8], now: Seconds, effects: &mut Vec<Effect>) {
        match handshake::parse(record) {
            Ok(protocol) => {
                self.phase = Phase::Open(protocol);
                effects.push(Effect::Send(handshake::ACCEPTED.to_vec()));
                effects.push(Effect::Open);
            }
            Err(error) => {
                effects.push(Effect::Send(handshake::refusal(&error.to_string())));
                self.end(now, effects);
            }
        }
    }

    fn act(
        &mut self,
        message: Result<ClientMessage, ProtocolError>,
        now: Seconds,
        rules: &Rules,
        effects: &mut Vec<Effect>,
    ) {
        match message {
            Ok(ClientMessage::Ping | ClientMessage::Other) => {}
            Ok(ClientMessage::Close) => self.end(now, effects),
            Ok(ClientMessage::Completion { invocation_id, outcome }) => {
                effects.push(Effect::Completed { invocation_id, outcome });
            }
            Ok(ClientMessage::Invocation { target, invocation_id }) => {
                self.refuse_call(&target, invocation_id.as_deref(), now, rules, effects);
            }
            // A stream that nobody refuses may be fed by REST.
            Ok(ClientMessage::StreamInvocation { .. })
                if rules.client_messages == ClientMessages::Ignore => {}
            Ok(ClientMessage::StreamInvocation { target, invocation_id }) => {
                self.refuse_call(&target, Some(&invocation_id), now, rules, effects);
            }
            Err(error) => self.fail(&error.to_string(), now, effects),
        }
    }

    /// Nobody answers clients of a serverless hub that has no upstream.
    fn refuse_call(
        &mut self,
        target: &str,
        invocation_id: Option<&str>,
        now: Seconds,
        rules: &Rules,
        effects: &mut Vec<Effect>,
    ) {
        let shown: String = target.chars().take(64).collect();
        let reason = format!(
            "'{shown}' was not called: clients of this hub only listen, since it has no upstream"
        );
        if let Some(id) = invocation_id {
            effects.push(Effect::Send(json::completion(id, Some(&reason))));
        }
        if rules.client_messages == ClientMessages::Close {
            effects.extend(self.close(Some(&reason), false, now));
        }
    }

    /// The client broke the protocol: it is told how, and may not come back by itself.
    fn fail(&mut self, problem: &str, now: Seconds, effects: &mut Vec<Effect>) {
        effects.extend(self.close(Some(problem), false, now));
    }

    fn end(&mut self, now: Seconds, effects: &mut Vec<Effect>) {
        self.phase = Phase::Ended { since: now };
        effects.push(Effect::End);
    }
}

#[cfg(test)]
mod tests;
