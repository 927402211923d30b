//! The session of a client that an app server answers. The hub protocol runs there, and its bytes pass
//! through here. The limits, the client's pings and stateful reconnect are handled here.

use bytes::Bytes;
use serde::Deserialize;

use super::{Phase, Session, effect::Effect, ended::Ended, seconds::Seconds};
use crate::protocol::{
    ClientMessage, ProtocolError, handshake,
    json::{self, RECORD_SEPARATOR},
};

/// Stateful reconnect counts messages.
const NOT_COUNTED: &str = "stateful reconnect needs one of the protocols 'json', 'messagepack' and \
                           'blazorpack'; connect without it";

impl Session {
    /// Lets an app server answer the client.
    pub(crate) fn leave_to_app(&mut self) {
        self.is_of_app = true;
    }

    /// Notes calls and their answers from now on.
    pub(crate) fn note_calls(&mut self) {
        self.calls = Some(Box::default());
    }

    /// Notes which calls these messages for the client answer. They must be whole.
    pub(crate) fn note_answers(&mut self, messages: &[u8]) {
        if let Some(calls) = &mut self.calls {
            calls.answered(messages, self.protocol);
        }
    }

    /// Whether noted calls are still to be answered.
    pub(crate) fn has_open_calls(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.are_open())
    }

    /// Answers the open calls with an error, because no other answer comes.
    pub(crate) fn fail_calls(&mut self, error: &str) -> Vec<Effect> {
        let protocol = self.protocol;
        let open = self.calls.as_mut().map(|calls| calls.take()).unwrap_or_default();
        let failed = |id: Box<str>| Effect::SendNumbered(protocol.completion(&id, Some(error)));
        open.into_iter().map(failed).collect()
    }

    /// Whether the app server has not answered the handshake yet.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked { .. })
    }

    /// Takes the app's answer to the handshake. Returns whether it accepts the client.
    pub(crate) fn answered_by_app(&mut self, answer: &[u8], now: Seconds) -> bool {
        #[derive(Deserialize)]
        struct Answer {
            error: Option<String>,
        }
        let first = json::split(answer).map_or(answer, |(first, _)| first);
        let is_accepted =
            serde_json::from_slice::<Answer>(first).is_ok_and(|answer| answer.error.is_none());
        if is_accepted {
            self.phase = Phase::Open;
            self.last_sent = now;
        } else {
            self.ends_by(Ended::Handshake);
        }
        is_accepted
    }

    /// Ends the session for its app server. The last messages for the client were already sent.
    pub(crate) fn end_by_app(&mut self, now: Seconds) -> Vec<Effect> {
        self.ends_by(Ended::Closed);
        match self.phase {
            Phase::Away { .. } => self.abandon("the app server closed the connection", now),
            Phase::Ended { .. } => Vec::new(),
            Phase::Handshake { .. } | Phase::Asked { .. } | Phase::Open => {
                let mut effects = Vec::new();
                self.end(now, &mut effects);
                effects
            }
        }
    }

    /// Refuses the handshake, because no app server takes the client.
    pub(crate) fn refuse_handshake(&mut self, reason: &str, now: Seconds) -> Vec<Effect> {
        let mut effects = vec![Effect::SendLast(handshake::refusal(reason))];
        self.ends_by(Ended::NotServed);
        self.end(now, &mut effects);
        effects
    }

    /// Notes that the client would be heard, if only it were read or were asked.
    pub(crate) fn is_not_read(&mut self, now: Seconds) {
        self.last_received = now;
    }

    /// How many of the messages have numbers under stateful reconnect. `None` if the bytes end inside
    /// a message.
    pub(crate) fn numbered(&self, messages: &[u8]) -> Option<u32> {
        if self.reliable.is_none() {
            return Some(0);
        }
        let (mut rest, mut numbered) = (messages, 0_u32);
        while !rest.is_empty() {
            let (message, after) = self.protocol.split(rest).ok().flatten()?;
            let parsed = self.protocol.parse(message).ok();
            numbered = numbered.saturating_add(parsed.is_some_and(|one| one.is_numbered()).into());
            rest = after;
        }
        Some(numbered)
    }

    /// Takes one message of the client; `framed` is the same message with its frame.
    pub(super) fn take_for_app(
        &mut self,
        message: &[u8],
        framed: &[u8],
        now: Seconds,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ProtocolError> {
        match self.phase {
            Phase::Handshake { .. } => return self.ask_app(message, framed, now, effects),
            Phase::Asked { .. } | Phase::Open => {}
            Phase::Away { .. } | Phase::Ended { .. } => return Ok(()),
        }
        // The app decides about messages that cannot be read.
        let parsed = self.protocol.parse(message).unwrap_or(ClientMessage::Unknown);
        if let Some(reliable) = &mut self.reliable
            && parsed.is_numbered()
            && !reliable.receive()
        {
            return Ok(());
        }
        match parsed {
            ClientMessage::Ping | ClientMessage::Ack { .. } | ClientMessage::Sequence { .. } => {
                self.act(parsed, message, now, effects)?
            }
            ClientMessage::Completion { .. } => self.act(parsed, message, now, effects)?,
            ClientMessage::Close => {
                pass_on(framed, effects);
                self.act(parsed, message, now, effects)?;
            }
            ClientMessage::Invocation { invocation_id: Some(id), .. }
            | ClientMessage::StreamInvocation { invocation_id: id, .. } => {
                if let Some(calls) = &mut self.calls {
                    calls.add(&id);
                }
                pass_on(framed, effects);
            }
            ClientMessage::Invocation { invocation_id: None, .. }
            | ClientMessage::StreamItem
            | ClientMessage::CancelInvocation
            | ClientMessage::Unknown => pass_on(framed, effects),
        }
        Ok(())
    }

    /// Takes the handshake. Only the name of the protocol is read; the app checks the rest.
    fn ask_app(
        &mut self,
        record: &[u8],
        framed: &[u8],
        now: Seconds,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ProtocolError> {
        match handshake::protocol(record, self.terms.detailed_errors) {
            Ok((protocol, _)) if protocol.is_other() && self.reliable.is_some() => {
                effects.extend(self.refuse_handshake(NOT_COUNTED, now));
            }
            Ok((protocol, name)) if !(protocol.is_binary() && self.terms.is_text_only) => {
                self.phase = Phase::Asked { since: now };
                self.protocol = protocol;
                let handshake = Bytes::copy_from_slice(framed);
                effects.push(Effect::OpenApp { protocol: name, handshake });
            }
            _ => {
                debug_assert!(framed.ends_with(&[RECORD_SEPARATOR]), "a handshake is a record");
                self.shake_hands(record, now, effects);
            }
        }
        Ok(())
    }
}

/// Adds a message for the app. Messages that arrive together are sent together.
fn pass_on(framed: &[u8], effects: &mut Vec<Effect>) {
    if let Some(Effect::ToApp(bytes)) = effects.last_mut() {
        bytes.extend_from_slice(framed);
    } else {
        effects.push(Effect::ToApp(framed.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        budget::QueueBudget,
        config::Config,
        session::{Rules, Terms},
    };

    const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

    fn rules() -> Rules {
        Config::default().rules()
    }

    fn session() -> Session {
        let terms = Terms { has_pings: true, ..Terms::default() };
        let mut session = Session::new(terms, &QueueBudget::new(usize::MAX, Arc::default()), 0);
        session.leave_to_app();
        session
    }

    /// The messages for the app.
    fn to_app(effects: &[Effect]) -> Vec<&[u8]> {
        let bytes = effects.iter().filter_map(|effect| match effect {
            Effect::OpenApp { handshake, .. } => Some(&handshake[..]),
            Effect::ToApp(bytes) => Some(&bytes[..]),
            _ => None,
        });
        bytes.collect()
    }

    #[test]
    fn whole_messages_pass_through_and_come_together_as_they_came() {
        let mut session = session();
        assert_eq!(to_app(&session.receive(&HANDSHAKE[..5], 0, &rules())), [] as [&[u8]; 0]);
        assert_eq!(to_app(&session.receive(&HANDSHAKE[5..], 0, &rules())), [HANDSHAKE]);
        assert!(session.is_asked() && session.answered_by_app(b"{}\x1e", 0));
        let two = b"{\"type\":1,\"target\":\"a\",\"arguments\":[]}\x1enot even JSON\x1e";
        let all = [&two[..], b"{\"type\":6}\x1e{\"ty"].concat();
        let effects = session.receive(&all, 1, &rules());
        assert_eq!(to_app(&effects), [&two[..]]);
        assert_eq!(effects.len(), 1);
    }

    #[test]
    fn an_app_that_does_not_answer_the_handshake_ends_it() {
        let mut session = session();
        session.receive(HANDSHAKE, 3, &rules());
        assert_eq!(session.deadline(&rules()), 18);
        assert!(session.tick(17, &rules()).is_empty());
        let effects = session.tick(18, &rules());
        let canceled = matches!(&effects[..], [Effect::SendLast(text), Effect::End]
            if text.starts_with(b"{\"error\":\"Handshake was canceled"));
        assert!(canceled, "{effects:?}");
    }

    #[test]
    fn a_close_of_the_client_goes_to_the_app_and_ends_the_session() {
        let mut session = session();
        session.receive(HANDSHAKE, 0, &rules());
        session.answered_by_app(b"{}\x1e", 0);
        let effects = session.receive(b"{\"type\":7}\x1e", 0, &rules());
        assert!(matches!(&effects[..], [Effect::ToApp(_), Effect::End]), "{effects:?}");
    }

    #[test]
    fn limits_hold_for_clients_of_apps_too() {
        let rules = Rules { max_message: 64, ..rules() };
        let mut session = session();
        session.receive(HANDSHAKE, 0, &rules);
        session.answered_by_app(b"{}\x1e", 0);
        let effects = session.receive(&[b'x'; 65], 0, &rules);
        assert!(matches!(&effects[..], [Effect::SendLast(_), Effect::End]), "{effects:?}");
    }

    #[test]
    fn a_client_that_is_not_read_is_not_silent() {
        let mut session = session();
        session.receive(HANDSHAKE, 0, &rules());
        session.answered_by_app(b"{}\x1e", 0);
        session.receive(b"{\"type\":6}\x1e", 0, &rules());
        session.is_not_read(29);
        assert!(!session.tick(30, &rules()).iter().any(|effect| matches!(effect, Effect::End)));
        assert!(session.tick(59, &rules()).iter().any(|effect| matches!(effect, Effect::End)));
    }
}
