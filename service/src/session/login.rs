//! The end of a client's login, and its renewal.

use super::{Phase, Seconds, Session, effect::Effect, ended::Ended};

/// The text for a client when its login ends, on any transport.
pub(super) const LOGIN_ENDED: &str = "the client's login has ended";

/// The meaning of a request with an expired access token for its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpiredToken {
    /// The login was renewed: the login's own end counts.
    Renewed,
    /// The session ends with the login, or has ended. The client should learn the reason.
    LoginOver,
    /// The client has only this token, so the request is refused.
    Refused,
}

impl Session {
    /// Notes the new end of the login, and whether the session ends with it.
    pub(crate) fn renew(&mut self, until: Seconds, closes: bool) {
        self.renewed = Some(until);
        self.terms.expires = closes.then_some(until);
    }

    /// The meaning of a request with an expired token now.
    pub(crate) fn expired_token(&self, now: Seconds) -> ExpiredToken {
        // The end of the login and the end of the token are counted by different clocks.
        let is_over = |end: Seconds| end <= now.saturating_add(1);
        if matches!(self.phase, Phase::Ended { .. }) || self.terms.expires.is_some_and(is_over) {
            ExpiredToken::LoginOver
        } else if self.renewed.is_some_and(|end| now < end) {
            ExpiredToken::Renewed
        } else {
            ExpiredToken::Refused
        }
    }

    /// Ends the session because the login has ended.
    pub(crate) fn end_login(&mut self, now: Seconds) -> Vec<Effect> {
        self.ends_by(Ended::Expired);
        self.close(Some(LOGIN_ENDED), true, now)
    }
}
