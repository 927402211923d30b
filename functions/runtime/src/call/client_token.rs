//! What every client's token is given, beside its user.

use std::time::Duration;

use serde_json::Value;
use signalr_serverless::NegotiateOptions;

use crate::{
    call::identity::Caller,
    config::{
        environment::{ConfigError, Environment},
        variable,
    },
};

const ROLE: &str = "role";

/// The longest lifetime, in seconds: a day. Who holds a token may connect without being asked again.
const MAX_LIFETIME: u32 = 24 * 3600;

/// The most bytes of roles. The service takes no token of more than 4,096, and a user and claims are
/// to have room in it.
const MAX_ROLES: usize = 2000;

/// What every client's token is given, beside its user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientToken {
    roles: Vec<String>,
    lifetime: Option<Duration>,
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
        let lifetime = lifetime.map(|text| match text.parse() {
            Ok(seconds @ 1..=MAX_LIFETIME) => Ok(Duration::from_secs(seconds.into())),
            _ => Err(ConfigError::of(
                variable::TOKEN_LIFETIME,
                format!("'{text}' cannot be; use seconds, from 1 to {MAX_LIFETIME}"),
            )),
        });
        Ok(Self { roles, lifetime: lifetime.transpose()? })
    }

    /// What the token of a caller says.
    #[must_use]
    pub fn options(&self, caller: Caller) -> NegotiateOptions {
        let roles = self.roles.iter().map(|role| (ROLE.to_owned(), Value::from(role.as_str())));
        let mut options = NegotiateOptions::default().with_claims(caller.claims).with_claims(roles);
        if let Some(user) = caller.user {
            options = options.with_user_id(user);
        }
        match self.lifetime {
            Some(lifetime) => options.with_lifetime(lifetime),
            None => options,
        }
    }
}

#[cfg(test)]
mod tests {
    use signalr_serverless::UserId;

    use super::*;
    use crate::config::tests::config;

    #[test]
    fn a_token_has_the_callers_claims_and_everyones_roles() {
        let set = [("NEGOTIATE_ROLES", "reader, editor"), ("NEGOTIATE_TOKEN_LIFETIME", "60")];
        let token = config(&set).unwrap().client_token;
        let caller = Caller {
            user: UserId::parse("ann").ok(),
            claims: vec![("email".to_owned(), "ann@x.test".into())],
        };
        let expected = NegotiateOptions::default()
            .with_claim("email", "ann@x.test")
            .with_claim("role", "reader")
            .with_claim("role", "editor")
            .with_user_id(UserId::parse("ann").unwrap())
            .with_lifetime(Duration::from_secs(60));
        assert_eq!(token.options(caller), expected);
        let plain = config(&[]).unwrap().client_token.options(Caller::default());
        assert_eq!(plain, NegotiateOptions::default());
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
