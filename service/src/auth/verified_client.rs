//! The user and the session terms in a client's token. Source: `Constants.cs` of Azure's SDK.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use signalr_serverless::{UserId, claim, token::Claims};

use crate::{
    carrier::Transports,
    session::{Seconds, Terms},
};

/// The bounds of a handshake time limit, in seconds.
const HANDSHAKE_SECONDS: std::ops::RangeInclusive<Seconds> = 1..=30;

/// A client whose token is good.
#[derive(Debug)]
pub(crate) struct VerifiedClient {
    pub(crate) user: Option<UserId>,
    pub(crate) claims: Arc<Claims>,
    /// How long ago the token expired. An expired token gives no right to a new connection.
    pub(crate) expired: Option<Duration>,
}

impl VerifiedClient {
    /// The terms of a session; `uptime` is the service's current uptime. Values that are not valid
    /// are ignored, as in the real service.
    pub(crate) fn terms(&self, uptime: Seconds, now: SystemTime) -> Terms {
        let ends = self.is_true(claim::CLOSE_ON_EXPIRY);
        Terms {
            handshake_timeout: self
                .seconds(claim::HANDSHAKE_TIMEOUT)
                .filter(|seconds| HANDSHAKE_SECONDS.contains(seconds)),
            expires: self.number(claim::AUTHENTICATION_EXPIRY).filter(|_| ends).map(|epoch| {
                let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
                let left = Seconds::try_from(epoch.saturating_sub(now)).unwrap_or(Seconds::MAX);
                uptime.saturating_add(left)
            }),
            detailed_errors: self.is_true(claim::DETAILED_ERRORS),
            poll_interval: self.seconds(claim::MAX_POLL_INTERVAL).filter(|seconds| *seconds > 0),
            is_text_only: false,
            is_stateful: false,
            has_pings: true,
        }
    }

    /// The transports that the client may use.
    pub(crate) fn transports(&self) -> Transports {
        self.number(claim::TRANSPORTS).and_then(Transports::from_mask).unwrap_or_default()
    }

    /// The end of the login, in seconds since 1970: the end of the session if the token has one,
    /// otherwise the end of the token.
    pub(crate) fn login_end(&self) -> Option<u64> {
        let of_session = self.number(claim::AUTHENTICATION_EXPIRY);
        let of_session = of_session.filter(|_| self.is_true(claim::CLOSE_ON_EXPIRY));
        of_session.or_else(|| self.number("exp"))
    }

    fn is_true(&self, name: &str) -> bool {
        match self.claims.get(name) {
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    fn seconds(&self, name: &str) -> Option<Seconds> {
        Seconds::try_from(self.number(name)?).ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.claims.get(name)? {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(claims: Value) -> Terms {
        let claims = Arc::new(serde_json::from_value(claims).unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        VerifiedClient { user: None, claims, expired: None }.terms(0, now)
    }

    #[test]
    fn claims_become_terms() {
        let terms = terms(serde_json::json!({
            "asrs.s.cht": "7", "asrs.s.derror": "True", "asrs.s.ttl": "20",
            "asrs.s.coae": "true", "asrs.s.aeo": "1060",
        }));
        assert_eq!(terms.handshake_timeout, Some(7));
        assert!(terms.detailed_errors);
        assert_eq!(terms.poll_interval, Some(20));
        assert_eq!(terms.expires, Some(60));
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        let terms = terms(serde_json::json!({
            "asrs.s.cht": "31", "asrs.s.ttl": "0", "asrs.s.derror": 1, "asrs.s.aeo": "1060",
        }));
        assert_eq!(terms, Terms { has_pings: true, ..Terms::default() });
    }

    #[test]
    fn permission_that_has_ended_ends_at_once() {
        let terms = terms(serde_json::json!({ "asrs.s.coae": "true", "asrs.s.aeo": 5 }));
        assert_eq!(terms.expires, Some(0));
    }

    #[test]
    fn a_mask_says_which_transports() {
        use crate::carrier::Transport::{LongPolling, ServerSentEvents, WebSockets};

        for (mask, expected) in [
            (serde_json::json!("1"), vec![WebSockets]),
            (serde_json::json!(6), vec![ServerSentEvents, LongPolling]),
            (serde_json::json!("7"), vec![WebSockets, ServerSentEvents, LongPolling]),
            // A value that names no transport or an unknown one is ignored.
            (serde_json::json!("0"), vec![WebSockets, ServerSentEvents, LongPolling]),
            (serde_json::json!("8"), vec![WebSockets, ServerSentEvents, LongPolling]),
            (serde_json::json!("all"), vec![WebSockets, ServerSentEvents, LongPolling]),
        ] {
            let claims = serde_json::from_value(serde_json::json!({ "asrs.s.htt": mask }));
            let claims = Arc::new(claims.unwrap());
            let transports = VerifiedClient { user: None, claims, expired: None };
            let transports = transports.transports();
            let found = [WebSockets, ServerSentEvents, LongPolling];
            let found: Vec<_> = found.into_iter().filter(|it| transports.contain(*it)).collect();
            assert_eq!(found, expected, "{mask}");
        }
    }
}
