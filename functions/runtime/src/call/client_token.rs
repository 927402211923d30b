//! The settings of every client's token, in addition to its user.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use signalr_serverless::NegotiateOptions;

use crate::{
    call::{identity::Caller, problem::Problem},
    config::{
        environment::{ConfigError, Environment},
        variable,
    },
};

const ROLE: &str = "role";

/// The longest lifetime, in seconds: a day. A client with a token may connect without another check.
const MAX_LIFETIME: u32 = 24 * 3600;

/// The lifetime if nothing is set, in seconds.
const LIFETIME: u32 = 3600;

/// The most bytes of roles. The service accepts tokens of at most 4,096 bytes, and there must be
/// room for a user and claims.
const MAX_ROLES: usize = 2000;

/// The settings of every client's token, in addition to its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientToken {
    roles: Vec<String>,
    lifetime: Duration,
    /// Whether the connection ends with the login.
    closes_with_login: bool,
}

impl ClientToken {
    pub(crate) fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let roles = environment.list(variable::ROLES)?.unwrap_or_default();
        let length: usize = roles.iter().map(String::len).sum();
        if length > MAX_ROLES {
            let problem = format!(
                "has {length} characters; a token would be too long for the service with more than {MAX_ROLES}"
            );
            return Err(ConfigError::of(variable::ROLES, problem));
        }
        let lifetime = environment.text(variable::TOKEN_LIFETIME)?;
        let lifetime = lifetime.map_or(Ok(LIFETIME), |text| match text.parse() {
            Ok(seconds @ 1..=MAX_LIFETIME) => Ok(seconds),
            _ => Err(ConfigError::of(
                variable::TOKEN_LIFETIME,
                format!("'{text}' cannot be; use seconds, from 1 to {MAX_LIFETIME}"),
            )),
        });
        Ok(Self {
            roles,
            lifetime: Duration::from_secs(lifetime?.into()),
            closes_with_login: environment.flag(variable::CLOSE_WITH_LOGIN)?,
        })
    }

    /// The options of a caller's token. The token ends no later than the caller's login.
    ///
    /// # Errors
    ///
    /// 401 if the login has ended, even within the leeway for clocks that differ.
    pub fn options(&self, caller: Caller, now: SystemTime) -> Result<NegotiateOptions, Problem> {
        let roles = self.roles.iter().map(|role| (ROLE.to_owned(), Value::from(role.as_str())));
        let mut options = NegotiateOptions::default()
            .with_claims(caller.claims)
            .with_claims(roles)
            .with_lifetime(self.lifetime);
        if let Some(user) = caller.user {
            options = options.with_user_id(user);
        }
        let Some(ends) = caller.login_ends else { return Ok(options) };
        // Tokens count in whole seconds, and a begun second must not be added.
        let left = ends.duration_since(now).unwrap_or_default().as_secs();
        if left == 0 {
            return Err(Problem::unauthorized_bearer("the login has ended; sign in again"));
        }
        options = options.with_lifetime(self.lifetime.min(Duration::from_secs(left)));
        Ok(match self.closes_with_login {
            true => options.with_authentication_expiry(ends),
            false => options,
        })
    }
}

#[cfg(test)]
mod tests {
    use signalr_serverless::UserId;

    use super::*;
    use crate::config::tests::config;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn a_token_has_the_callers_claims_and_everyones_roles() {
        let set = [("NEGOTIATE_ROLES", "reader, editor"), ("NEGOTIATE_TOKEN_LIFETIME", "60")];
        let token = config(&set).unwrap().client_token;
        let caller = Caller {
            user: UserId::parse("ann").ok(),
            claims: vec![("email".to_owned(), "ann@x.test".into())],
            login_ends: None,
        };
        let expected = NegotiateOptions::default()
            .with_claim("email", "ann@x.test")
            .with_claim("role", "reader")
            .with_claim("role", "editor")
            .with_user_id(UserId::parse("ann").unwrap())
            .with_lifetime(Duration::from_secs(60));
        assert_eq!(token.options(caller, NOW).unwrap(), expected);
        let plain = config(&[]).unwrap().client_token.options(Caller::default(), NOW);
        assert_eq!(plain.unwrap(), NegotiateOptions::default());
    }

    #[test]
    fn a_token_ends_with_the_login_and_the_connection_if_that_is_wanted() {
        let after = |seconds| NOW + Duration::from_secs(seconds);
        let options = |set: &[(&str, &str)], ends| {
            let caller = Caller { login_ends: Some(ends), ..Caller::default() };
            config(set).unwrap().client_token.options(caller, NOW)
        };
        let lasting =
            |seconds| NegotiateOptions::default().with_lifetime(Duration::from_secs(seconds));
        let close = ("NEGOTIATE_CLOSE_WITH_LOGIN", "true");
        let minute = ("NEGOTIATE_TOKEN_LIFETIME", "60");
        for (set, login, expected) in [
            (&[][..], after(30), lasting(30)),
            (&[], after(7200), lasting(3600)),
            (&[minute], after(30), lasting(30)),
            (&[minute], after(90), lasting(60)),
            (&[close], after(30), lasting(30).with_authentication_expiry(after(30))),
            (&[close, minute], after(900), lasting(60).with_authentication_expiry(after(900))),
            (&[], NOW + Duration::from_millis(1900), lasting(1)),
        ] {
            assert_eq!(options(set, login).unwrap(), expected, "{set:?} {login:?}");
        }
        for ended in [NOW, NOW + Duration::from_millis(900)] {
            assert_eq!(options(&[], ended).unwrap_err().status(), 401, "{ended:?}");
        }
    }

    #[test]
    fn roles_that_leave_no_room_are_refused() {
        assert!(config(&[("NEGOTIATE_ROLES", &"r".repeat(2000))]).is_ok());
        let error = config(&[("NEGOTIATE_ROLES", &"r".repeat(2001))]).unwrap_err();
        assert!(error.starts_with("NEGOTIATE_ROLES: has 2001 characters"), "{error}");
    }

    #[test]
    fn a_lifetime_out_of_range_is_refused() {
        for bad in ["0", "-1", "1.5", "an hour", "86401", "99999999999"] {
            let error = config(&[("NEGOTIATE_TOKEN_LIFETIME", bad)]).unwrap_err();
            assert!(error.starts_with("NEGOTIATE_TOKEN_LIFETIME: '"), "{error}");
            assert!(error.contains("from 1 to 86400"), "{error}");
        }
    }
}
