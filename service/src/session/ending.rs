//! How a session ends, and how it goes on after its transport broke.

use super::{Phase, Session, effect::Effect, ended::Ended, seconds::Seconds};
use crate::protocol::handshake;

impl Session {
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

    pub(super) fn end(&mut self, now: Seconds, effects: &mut Vec<Effect>) {
        self.stop(now);
        effects.push(Effect::End);
    }

    pub(super) fn stop(&mut self, now: Seconds) {
        self.phase = Phase::Ended { since: now };
        // The client cannot resume, so nothing is kept.
        (self.reliable, self.partial) = (None, Vec::new());
    }
}
