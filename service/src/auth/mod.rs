//! Who may connect and who may call: the check of access tokens.
//!
//! A token is good if its signature is by one of the service's keys, its time has come and is
//! not over, and its audience is what it is used for. So a client's token cannot call REST, nor a
//! REST token connect.
//!
//! REST callers may have a Microsoft Entra identity instead of a key.

mod audience;
mod client_key;
mod entra;
mod error;
mod role;
mod verified_client;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use serde_json::{Map, Value};
use signalr_serverless::{AccessKey, HubName, UserId, claim};

pub use self::entra::{EntraIssuer, EntraIssuerError};
pub(crate) use self::{
    audience::Call,
    client_key::ClientKeys,
    error::{AuthError, challenge},
    verified_client::VerifiedClient,
};
use self::{audience::Hosts, entra::EntraVerifier};

/// How far the clock of the signer of a token may be ahead of ours.
const NOT_BEFORE_LEEWAY: Duration = Duration::from_secs(30);

/// Checks tokens.
pub(crate) struct Verifier {
    keys: Vec<DecodingKey>,
    /// Signs client tokens only.
    client_keys: ClientKeys,
    entra: Option<EntraVerifier>,
    /// Whether times, and the host and port of audiences, are left unchecked.
    is_lenient: bool,
}

/// The token in the Authorization header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The names under which the caller reached the service: directly, and before a proxy.
pub(crate) fn hosts(headers: &HeaderMap) -> Vec<&str> {
    let named = [headers.get(header::HOST), headers.get("x-forwarded-host")];
    let named = named.into_iter().flatten().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).map(str::trim).collect()
}

impl Verifier {
    pub(crate) fn new<'a>(
        keys: impl IntoIterator<Item = &'a AccessKey>,
        client_keys: ClientKeys,
        is_lenient: bool,
    ) -> Self {
        let keys = keys.into_iter().map(|key| DecodingKey::from_secret(key.as_bytes())).collect();
        Self { keys, client_keys, entra: None, is_lenient }
    }

    /// Lets REST callers in whose tokens are of this issuer, which is asked by this client.
    pub(crate) fn with_entra(mut self, issuer: EntraIssuer, http: reqwest::Client) -> Self {
        self.entra = Some(EntraVerifier::new(issuer, http));
        self
    }

    /// Checks the token of a client that wants to connect to a hub.
    pub(crate) fn verify_client(
        &self,
        token: &str,
        hosts: &[&str],
        hub: &HubName,
        now: SystemTime,
    ) -> Result<VerifiedClient, AuthError> {
        let client_keys = self.client_keys.decoding_keys(now).map(Cow::Owned);
        let claims = decode(token, self.keys.iter().map(Cow::Borrowed).chain(client_keys))?;
        if !self.is_lenient {
            check_times(&claims, now)?;
        }
        check_audience(&claims, &audience::of_client(hosts, hub), |came| {
            audience::is_for_client(came, self.hosts(hosts), hub)
        })?;
        Ok(VerifiedClient { user: user(&claims)?, claims })
    }

    /// Checks the token of a REST call. Leniency is for access keys only.
    pub(crate) async fn verify_call(
        &self,
        token: &str,
        call: &Call<'_>,
        now: SystemTime,
    ) -> Result<(), AuthError> {
        if entra::is_entra(token) {
            let entra = self.entra.as_ref().ok_or(AuthError::NoEntraIssuer)?;
            return entra.verify(token, now).await;
        }
        let claims = decode(token, self.keys.iter().map(Cow::Borrowed))?;
        if !self.is_lenient {
            check_times(&claims, now)?;
        }
        let hosts = self.hosts(&call.hosts);
        check_audience(&claims, &call.audience(), |came| call.is_meant_by(came, hosts))
    }

    /// The hosts that audiences may name.
    fn hosts<'a>(&self, reached: &'a [&'a str]) -> Hosts<'a> {
        if self.is_lenient { Hosts::Any } else { Hosts::Named(reached) }
    }
}

/// Checks the signature, with each key in turn.
fn decode<'a>(
    token: &str,
    keys: impl Iterator<Item = Cow<'a, DecodingKey>>,
) -> Result<Map<String, Value>, AuthError> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Times and audience are checked here, against a clock that is passed in.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    for key in keys {
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(token) => return Ok(token.claims),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {}
            Err(error) => return Err(AuthError::Malformed(error.to_string())),
        }
    }
    Err(AuthError::WrongKey)
}

fn check_times(claims: &Map<String, Value>, now: SystemTime) -> Result<(), AuthError> {
    let end = seconds(claims, "exp").ok_or(AuthError::NoExpiry)?;
    if let Ok(late) = now.duration_since(end) {
        return Err(AuthError::Expired(late));
    }
    let begin = seconds(claims, "nbf").unwrap_or(UNIX_EPOCH);
    match begin.duration_since(now) {
        Ok(early) if early > NOT_BEFORE_LEEWAY => Err(AuthError::NotYetValid(early)),
        _ => Ok(()),
    }
}

/// A time in whole or broken seconds since 1970. Source: RFC 7519, NumericDate.
fn seconds(claims: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok()?;
    UNIX_EPOCH.checked_add(seconds)
}

fn check_audience(
    claims: &Map<String, Value>,
    expected: &str,
    is_right: impl Fn(&str) -> bool,
) -> Result<(), AuthError> {
    let came: Vec<&str> = match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if came.iter().any(|audience| is_right(audience)) {
        return Ok(());
    }
    let came = if came.is_empty() { "none".to_owned() } else { came.join(", ") };
    Err(AuthError::WrongAudience {
        expected: expected.to_owned(),
        came: came.chars().take(300).collect(),
    })
}

/// The first of the claims that name a user. A user without a name is nobody.
fn user(claims: &Map<String, Value>) -> Result<Option<UserId>, AuthError> {
    let names = [claim::USER_ID, claim::NAME_ID, "sub"];
    let user = names.into_iter().find_map(|name| claims.get(name)?.as_str());
    match user {
        None | Some("") => Ok(None),
        Some(user) => Ok(Some(UserId::parse(user)?)),
    }
}

#[cfg(test)]
mod tests;
