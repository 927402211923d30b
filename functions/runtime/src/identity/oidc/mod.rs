//! The user of a bearer token, checked against an OpenID Connect issuer.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | from a request to a user |
//! | `token` | which tokens are good |
//! | `key` | which keys of the issuer may sign, and with which algorithms |
//! | `keys` | the issuer's keys, kept and renewed |
//! | `fetch` | the issuer's documents |

mod fetch;
mod key;
mod keys;
mod token;

use std::{sync::Arc, time::SystemTime};

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use self::{
    fetch::{Fetch, issuer_url},
    keys::Keys,
    token::Expected,
};
use super::source::Found;
use crate::{
    config::{ConfigError, Environment},
    problem::Problem,
    variable,
};

/// Checks tokens. Clones share the issuer's keys.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    keys: Arc<Keys>,
    audiences: Vec<String>,
    user_claim: String,
}

/// Why a token does not let its bearer in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rejection {
    /// The token is not good.
    Token(String),
    /// The issuer's keys are not to be had now.
    Keys(String),
}

impl Verifier {
    /// Makes no call: the issuer is first asked when a token comes.
    pub(super) fn from_environment(
        environment: &Environment<'_>,
        user_claim: String,
    ) -> Result<Self, ConfigError> {
        let needed = |variable, what: &str| {
            ConfigError::of(variable, format!("is not set, and 'jwt' needs it; {what}"))
        };
        let issuer = environment.text(variable::OIDC_ISSUER)?.ok_or_else(|| {
            needed(variable::OIDC_ISSUER, "use the issuer's URL, such as https://login.example")
        })?;
        let issuer = issuer_url(&issuer)
            .map_err(|problem| ConfigError::of(variable::OIDC_ISSUER, problem))?;
        let audiences = environment.list(variable::OIDC_AUDIENCE)?.ok_or_else(|| {
            needed(variable::OIDC_AUDIENCE, "use the name by which the issuer knows this app")
        })?;
        let fetch = Fetch::new().map_err(|error| {
            ConfigError::of(variable::OIDC_ISSUER, format!("cannot be asked: {error}"))
        })?;
        Ok(Self { keys: Arc::new(Keys::new(issuer, fetch)), audiences, user_claim })
    }

    pub(super) async fn find(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Option<Found>, Problem> {
        let checked = match bearer(headers) {
            Ok(None) => return Ok(None),
            Ok(Some(token)) => self.check(token, now).await,
            Err(rejection) => Err(rejection),
        };
        checked.map(Some).map_err(|rejection| match rejection {
            Rejection::Token(problem) => Problem::unauthorized_bearer(problem),
            Rejection::Keys(problem) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, problem),
        })
    }

    async fn check(&self, token: &str, now: SystemTime) -> Result<Found, Rejection> {
        let header = token::header(token)?;
        let (key, issuer) = self.keys.key_for(&header, now).await?;
        let expected = Expected { issuer: &issuer, audiences: &self.audiences };
        let claims = token::claims(token, &header, &key, expected, now)?;
        let user = self.user(&claims)?;
        Ok(Found { user: Some(user), claims })
    }

    fn user(&self, claims: &Map<String, Value>) -> Result<String, Rejection> {
        match claims.get(&self.user_claim) {
            Some(Value::String(user)) => Ok(user.clone()),
            _ => Err(Rejection::Token(format!(
                "the token has no text '{}'; NEGOTIATE_USER_CLAIM names the claim to use",
                self.user_claim
            ))),
        }
    }
}

/// The token in the header, or `None` where the call has none. Another scheme than Bearer is none.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Rejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::Token("header 'authorization' is there more than once".to_owned()));
    }
    let unreadable = || Rejection::Token("header 'authorization' is not text".to_owned());
    let value = value.to_str().map_err(|_| unreadable())?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        None if value.eq_ignore_ascii_case("bearer") => {
            Err(Rejection::Token("the bearer token is empty".to_owned()))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
