//! The state of one connection: handshake, pings, time limits, and the messages that a client may
//! send.
//!
//! The input is bytes and the time; the output is [`Effect`]s. There is no socket, task or clock
//! here. Transports carry the bytes, and the shard that owns the connection provides the time.

mod app;
mod calls;
mod effect;
mod ended;
mod login;
mod moving;
mod reliable;
mod rules;
mod seconds;
mod time_limits;

use bytes::Bytes;

pub use self::rules::{ClientMessages, SilentClients};
use self::{calls::Calls, reliable::Reliable};
pub(crate) use self::{
    effect::{Call, Effect, NotCalled},
    ended::Ended,
    login::ExpiredToken,
    moving::MovedSession,
    reliable::Sent,
    rules::{Rules, Terms},
    seconds::Seconds,
};
use crate::{
    budget::QueueBudget,
    protocol::{
        ClientMessage, Protocol, ProtocolError, Split, handshake,
        json::{self, RECORD_SEPARATOR},
    },
};

/// The text of ASP.NET Core for a binary protocol on a text transport.
const NEEDS_BINARY: &str = "Cannot use the 'messagepack' protocol on the current transport. The \
                            transport does not support 'Binary' transfer format.";

/// The session of one connection.
#[derive(Debug)]
pub(crate) struct Session {
    phase: Phase,
    /// The protocol. JSON until the handshake names another, because the handshake itself is JSON.
    protocol: Protocol,
    last_sent: Seconds,
    last_received: Seconds,
    /// How many messages came in the second of `last_received`.
    received_now: u32,
    /// Whether the client has ever sent a ping.
    has_pinged: bool,
    terms: Terms,
    /// The end of the login, if it was renewed.
    renewed: Option<Seconds>,
    /// Whether an app server answers the client.
    is_of_app: bool,
    /// Whether the session comes from another node and has not arrived yet.
    arrives: bool,
    /// The beginning of a message whose end has not arrived yet.
    partial: Vec<u8>,
    reliable: Option<Box<Reliable>>,
    /// The calls that wait for the app server, if they are noted.
    calls: Option<Box<Calls>>,
    /// Why the session ended, if it did not end well.
    end_reason: Option<Box<str>>,
    /// The first reason to end the session.
    ended: Option<Ended>,
    /// How many bytes were searched for the end of a message.
    #[cfg(test)]
    searched: std::cell::Cell<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake {
        since: Seconds,
    },
    /// The app server has to answer the handshake.
    Asked {
        since: Seconds,
    },
    Open,
    /// Open, but without a transport.
    Away {
        since: Seconds,
    },
    Ended {
        since: Seconds,
    },
}

impl Session {
    /// Begins a session. The bytes that are kept for a reconnect count in `budget`.
    pub(crate) fn new(terms: Terms, budget: &QueueBudget, now: Seconds) -> Self {
        Self {
            phase: Phase::Handshake { since: now },
            protocol: Protocol::Json,
            last_sent: now,
            last_received: now,
            received_now: 0,
            has_pinged: false,
            reliable: terms.is_stateful.then(|| Box::new(Reliable::new(budget))),
            terms,
            renewed: None,
            is_of_app: false,
            arrives: false,
            partial: Vec::new(),
            calls: None,
            end_reason: None,
            ended: None,
            #[cfg(test)]
            searched: std::cell::Cell::default(),
        }
    }

    /// The error with which the session ended, if there was one.
    pub(crate) fn end_reason(&self) -> Option<&str> {
        self.end_reason.as_deref()
    }

    /// Why the session has ended. If there is no other reason, the client ended it.
    pub(crate) fn ended(&self) -> Ended {
        self.ended.unwrap_or(Ended::Client)
    }

    /// Notes why the session ends. The first reason counts.
    pub(crate) fn ends_by(&mut self, reason: Ended) {
        self.ended.get_or_insert(reason);
    }

    /// The client's protocol.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Notes that a frame with this many numbered messages is sent, and keeps it in case the client
    /// loses it. Returns whether it could be kept: for a client that is away there is room for
    /// `max_kept` bytes.
    #[must_use]
    pub(crate) fn sent(
        &mut self,
        frame: &Bytes,
        messages: u32,
        max_kept: usize,
        now: Seconds,
    ) -> bool {
        self.last_sent = now;
        let Some(reliable) = self.reliable.as_mut().filter(|_| messages > 0) else { return true };
        reliable.keep(frame, messages);
        if matches!(self.phase, Phase::Away { .. }) {
            return reliable.kept_bytes() <= max_kept;
        }
        // Clients acknowledge only from time to time. A client that reads has received the oldest
        // frames long ago.
        reliable.forget_beyond(max_kept);
        true
    }

    /// How many bytes are kept in case the client loses them.
    pub(crate) fn kept(&self) -> usize {
        self.reliable.as_ref().map_or(0, |reliable| reliable.kept_bytes())
    }

    /// Removes the kept frames of a client that is connected and reads, because the memory is
    /// needed. If the client loses its transport before it has read everything, it cannot resume.
    pub(crate) fn forget_kept(&mut self) {
        if let (Phase::Open, Some(reliable)) = (self.phase, &mut self.reliable) {
            reliable.forget_beyond(0);
        }
    }

    /// How many bytes of an incomplete message are held.
    pub(crate) fn partial(&self) -> usize {
        self.partial.capacity()
    }

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

    /// Closes the session from the service's side.
    pub(crate) fn close(
        &mut self,
        reason: Option<&str>,
        allow_reconnect: bool,
        now: Seconds,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.ends_by(Ended::Closed);
        match self.phase {
            Phase::Handshake { .. } | Phase::Asked { .. } => {
                let reason = reason.unwrap_or("the connection was closed");
                effects.push(Effect::SendLast(handshake::refusal(reason)));
            }
            // The service has no message for this in such a protocol.
            Phase::Open if self.protocol.is_other() => {}
            Phase::Open => {
                effects.push(Effect::SendLast(self.protocol.close(reason, allow_reconnect)));
            }
            Phase::Away { .. } => {
                return self.abandon(reason.unwrap_or("the connection was closed"), now);
            }
            Phase::Ended { .. } => return effects,
        }
        self.end_reason = reason.map(Box::from);
        self.end(now, &mut effects);
        effects
    }

    /// Ends the session of a client that is away and cannot get a Close.
    pub(crate) fn abandon(&mut self, reason: &str, now: Seconds) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.end_reason = Some(reason.into());
            self.stop(now);
        }
        vec![Effect::Abort]
    }

    /// Notes that the transport broke. Returns whether the client may resume this session.
    pub(crate) fn transport_broke(&mut self, now: Seconds) -> bool {
        match self.phase {
            Phase::Open if self.reliable.is_some() => {
                self.phase = Phase::Away { since: now };
                self.partial = Vec::new();
                true
            }
            Phase::Away { .. } => true,
            Phase::Ended { .. } => false,
            Phase::Handshake { .. } | Phase::Asked { .. } | Phase::Open => {
                self.end_reason = Some("the transport broke".into());
                self.ends_by(Ended::Lost);
                self.stop(now);
                false
            }
        }
    }

    /// Notes that either side ended the transport on purpose.
    pub(crate) fn transport_ended(&mut self, now: Seconds) {
        self.ends_by(Ended::Client);
        if !matches!(self.phase, Phase::Ended { .. }) {
            self.stop(now);
        }
    }

    /// Continues on another transport. There is no new handshake. The frames that the client may
    /// have missed are sent again.
    pub(crate) fn resume(&mut self, now: Seconds) -> Vec<Effect> {
        let (Phase::Open | Phase::Away { .. }, Some(reliable)) = (self.phase, &mut self.reliable)
        else {
            return vec![Effect::Abort];
        };
        self.phase = Phase::Open;
        self.partial = Vec::new();
        (self.last_sent, self.last_received) = (now, now);
        let (first, frames) = reliable.resume();
        vec![Effect::Send(self.protocol.sequence(first)), Effect::Repeat(frames)]
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

    fn shake_hands(&mut self, record: &[u8], now: Seconds, effects: &mut Vec<Effect>) {
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

    fn act(
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
    fn fail(&mut self, problem: &str, now: Seconds, effects: &mut Vec<Effect>) {
        self.ends_by(Ended::Protocol);
        effects.extend(self.close(Some(problem), false, now));
    }

    fn end(&mut self, now: Seconds, effects: &mut Vec<Effect>) {
        self.stop(now);
        effects.push(Effect::End);
    }

    fn stop(&mut self, now: Seconds) {
        self.phase = Phase::Ended { since: now };
        // The client cannot resume, so nothing is kept.
        (self.reliable, self.partial) = (None, Vec::new());
    }
}

#[cfg(test)]
mod tests;
