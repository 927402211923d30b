//! Receives the bytes of a client: first its handshake, then its hub messages.

use bytes::Bytes;

use super::{
    Phase, Session,
    effect::{Call, Effect, NotCalled},
    ended::Ended,
    rules::{ClientMessages, Rules},
    seconds::Seconds,
};
use crate::protocol::{
    ClientMessage, Protocol, ProtocolError, Split, handshake,
    json::{self, RECORD_SEPARATOR},
};

/// The text of ASP.NET Core for a binary protocol on a text transport.
const NEEDS_BINARY: &str = "Cannot use the 'messagepack' protocol on the current transport. The \
                            transport does not support 'Binary' transfer format.";

impl Session {
    /// Takes the bytes of one transport message: any number of hub messages. The last may be
    /// incomplete.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Seconds, rules: &Rules) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.last_received != now {
            (self.last_received, self.received_now) = (now, 0);
        }
        let before = self.reliable.as_ref().map(|reliable| reliable.received());
        if let Err(error) = self.take_messages(bytes, now, rules, &mut effects) {
            self.fail(&error.to_string(), now, &mut effects);
        }
        let after = self.reliable.as_ref().map(|reliable| reliable.received());
        if let (Some(received), Phase::Open) = (after, self.phase)
            && after != before
        {
            effects.push(Effect::Send(self.protocol.ack(received)));
        }
        effects
    }

    fn take_messages(
        &mut self,
        bytes: &[u8],
        now: Seconds,
        rules: &Rules,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ProtocolError> {
        let mut partial = std::mem::take(&mut self.partial);
        if !partial.is_empty() {
            partial.extend_from_slice(bytes);
        }
        // The earlier part has no separator. A client that sends single bytes could otherwise make
        // the service search it again and again.
        let is_still_cut = !partial.is_empty()
            && self.protocol() == Protocol::Json
            && !bytes.contains(&RECORD_SEPARATOR);
        let mut rest = if partial.is_empty() { bytes } else { &partial };
        while !is_still_cut && let Some((message, after)) = self.split(rest)? {
            let framed = &rest[..rest.len().saturating_sub(after.len())];
            rest = after;
            self.received_now = self.received_now.saturating_add(1);
            if self.received_now > rules.max_messages_per_second {
                let limit = rules.max_messages_per_second;
                let problem = format!("the client sends more than {limit} messages a second");
                return Err(ProtocolError::new(problem));
            }
            if self.is_of_app {
                self.take_for_app(message, framed, now, effects)?;
            } else {
                self.take_message(message, now, effects)?;
            }
            if matches!(self.phase, Phase::Ended { .. }) {
                return Ok(());
            }
        }
        if rest.len() > rules.max_message {
            let limit = rules.max_message;
            return Err(ProtocolError::new(format!("a message is longer than {limit} bytes")));
        }
        self.partial = if rest.len() == partial.len() { partial } else { rest.to_vec() };
        Ok(())
    }

    fn split<'a>(&self, bytes: &'a [u8]) -> Result<Split<'a>, ProtocolError> {
        #[cfg(test)]
        self.searched.set(self.searched.get() + bytes.len());
        match self.phase {
            Phase::Handshake { .. } => Ok(json::split(bytes)),
            Phase::Asked { .. } | Phase::Open => self.protocol.split(bytes),
            Phase::Away { .. } | Phase::Ended { .. } => Ok(None),
        }
    }

    fn take_message(
        &mut self,
        message: &[u8],
        now: Seconds,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ProtocolError> {
        match self.phase {
            Phase::Handshake { .. } => self.shake_hands(message, now, effects),
            Phase::Open => {
                let parsed = self.protocol.parse(message)?;
                let is_numbered = parsed.is_numbered();
                if let Some(reliable) = &mut self.reliable
                    && is_numbered
                    && !reliable.receive()
                {
                    return Ok(());
                }
                self.act(parsed, message, now, effects)?;
            }
            // Messages in these phases do not come here.
            Phase::Asked { .. } | Phase::Away { .. } | Phase::Ended { .. } => {}
        }
        Ok(())
    }

    pub(super) fn shake_hands(&mut self, record: &[u8], now: Seconds, effects: &mut Vec<Effect>) {
        match handshake::parse(record, self.terms.detailed_errors) {
            Ok(protocol) if protocol.is_binary() && self.terms.is_text_only => {
                effects.push(Effect::SendLast(handshake::refusal(NEEDS_BINARY)));
                self.ends_by(Ended::Handshake);
                self.end(now, effects);
            }
            Ok(protocol) => {
                self.phase = Phase::Open;
                self.protocol = protocol;
                // Opening may take time, and the answer then takes the same time.
                effects.push(Effect::Open);
                effects.push(Effect::Send(handshake::ACCEPTED.to_vec()));
            }
            Err(error) => {
                effects.push(Effect::SendLast(handshake::refusal(&error.to_string())));
                self.ends_by(Ended::Handshake);
                self.end(now, effects);
            }
        }
    }

    pub(super) fn act(
        &mut self,
        parsed: ClientMessage,
        message: &[u8],
        now: Seconds,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ProtocolError> {
        let protocol = self.protocol;
        let call = |target, invocation_id, is_stream| {
            let message = Bytes::copy_from_slice(message);
            Effect::Call(Call { target, invocation_id, is_stream, protocol, message })
        };
        match parsed {
            ClientMessage::Ping => self.has_pinged = true,
            ClientMessage::StreamItem
            | ClientMessage::CancelInvocation
            | ClientMessage::Unknown => {}
            ClientMessage::Close => {
                self.ends_by(Ended::Client);
                self.end(now, effects);
            }
            ClientMessage::Completion { invocation_id, outcome } => {
                let message = Bytes::copy_from_slice(message);
                effects.push(Effect::Completed { invocation_id, outcome, protocol, message });
            }
            ClientMessage::Invocation { target, invocation_id } => {
                effects.push(call(target, invocation_id, false));
            }
            ClientMessage::StreamInvocation { target, invocation_id } => {
                effects.push(call(target, Some(invocation_id), true));
            }
            ClientMessage::Ack { sequence_id } => {
                if let Some(reliable) = &mut self.reliable {
                    reliable.acknowledge(sequence_id);
                }
            }
            ClientMessage::Sequence { sequence_id } => {
                if let Some(reliable) = &mut self.reliable {
                    reliable.sequence(sequence_id)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a call that nobody answers.
    pub(crate) fn refuse(
        &mut self,
        call: &Call,
        why: NotCalled,
        now: Seconds,
        rules: &Rules,
    ) -> Vec<Effect> {
        let is_kept = rules.client_messages == ClientMessages::Ignore;
        // A stream that is not refused may get its items by REST.
        if is_kept && call.is_stream {
            return Vec::new();
        }
        let shown: String = call.target.chars().take(64).collect();
        let reason = format!("'{shown}' was not called: {}", why.text());
        let mut effects = Vec::new();
        if let Some(id) = &call.invocation_id {
            effects.push(Effect::SendNumbered(call.protocol.completion(id, Some(&reason))));
        }
        if !is_kept {
            self.ends_by(Ended::NotServed);
            effects.extend(self.close(Some(&reason), false, now));
        }
        effects
    }

    /// The client broke the protocol. It gets the reason, and must not reconnect by itself.
    pub(super) fn fail(&mut self, problem: &str, now: Seconds, effects: &mut Vec<Effect>) {
        self.ends_by(Ended::Protocol);
        effects.extend(self.close(Some(problem), false, now));
    }
}
