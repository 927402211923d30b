//! The effects of time on a session: pings and time limits.

use super::{
    Phase, Session,
    effect::Effect,
    ended::Ended,
    login::LOGIN_ENDED,
    rules::{Rules, SilentClients},
    seconds::Seconds,
};
use crate::protocol::{Protocol, handshake};

impl Session {
    /// The next time to call [`tick`](Self::tick), unless something is sent or received before.
    pub(crate) fn deadline(&self, rules: &Rules) -> Seconds {
        let deadline = match self.phase {
            Phase::Handshake { since } | Phase::Asked { since } => {
                since.saturating_add(self.handshake_timeout(rules))
            }
            Phase::Open if self.terms.has_pings => {
                self.ping_due(rules).min(self.silence_limit(rules).unwrap_or(Seconds::MAX))
            }
            Phase::Open => Seconds::MAX,
            Phase::Away { since } => since.saturating_add(rules.reconnect_timeout),
            Phase::Ended { since } => return since.saturating_add(rules.close_timeout),
        };
        deadline.min(self.terms.expires.unwrap_or(Seconds::MAX))
    }

    /// Lets time pass: sends a ping if one is due, and ends the session if a time limit is over.
    pub(crate) fn tick(&mut self, now: Seconds, rules: &Rules) -> Vec<Effect> {
        let mut effects = Vec::new();
        let expired = self.terms.expires.is_some_and(|expires| now >= expires);
        match self.phase {
            Phase::Ended { .. } if now >= self.deadline(rules) => effects.push(Effect::Abort),
            Phase::Ended { .. } => {}
            Phase::Away { since } if now >= self.deadline(rules) => {
                let reason = if expired {
                    LOGIN_ENDED.to_owned()
                } else {
                    let gone = now.saturating_sub(since);
                    format!(
                        "the transport broke, and the client did not come back for {gone} seconds"
                    )
                };
                self.ends_by(if expired { Ended::Expired } else { Ended::NotBack });
                effects.extend(self.abandon(&reason, now));
            }
            _ if expired => effects.extend(self.end_login(now)),
            Phase::Handshake { since } | Phase::Asked { since }
                if now >= since.saturating_add(self.handshake_timeout(rules)) =>
            {
                effects.push(Effect::SendLast(handshake::refusal("Handshake was canceled.")));
                self.ends_by(Ended::Handshake);
                self.end(now, &mut effects);
            }
            Phase::Open if self.terms.has_pings => {
                let silence = now.saturating_sub(self.last_received);
                if self.silence_limit(rules).is_some_and(|limit| now >= limit) {
                    let reason = format!("the client sent nothing for {silence} seconds");
                    self.ends_by(Ended::Silent);
                    effects.extend(self.close(Some(&reason), true, now));
                } else if now >= self.ping_due(rules) {
                    effects.push(Effect::Send(self.protocol.ping().to_vec()));
                }
            }
            Phase::Handshake { .. } | Phase::Asked { .. } | Phase::Open | Phase::Away { .. } => {}
        }
        effects
    }

    /// The time of the next ping, unless something is sent before. In another protocol only its app
    /// sends pings.
    fn ping_due(&self, rules: &Rules) -> Seconds {
        match self.protocol {
            Protocol::OtherText | Protocol::OtherBinary => Seconds::MAX,
            _ => self.last_sent.saturating_add(rules.keep_alive),
        }
    }

    /// The time at which a silent client counts as gone.
    fn silence_limit(&self, rules: &Rules) -> Option<Seconds> {
        let holds = self.has_pinged || rules.silent_clients == SilentClients::Close;
        holds.then(|| self.last_received.saturating_add(rules.client_timeout))
    }

    fn handshake_timeout(&self, rules: &Rules) -> Seconds {
        self.terms.handshake_timeout.unwrap_or(rules.handshake_timeout)
    }
}
