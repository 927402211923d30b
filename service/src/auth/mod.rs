//! Checks access tokens: who may connect and who may call.
//!
//! A token is good if one of the service's keys signed it, its time has begun and is not over, and
//! its audience fits its use. So a client's token cannot call REST, and a REST token cannot
//! connect.
//!
//! REST callers may have a Microsoft Entra identity instead of a key.

mod audience;
mod checked_tokens;
mod client_key;
mod entra;
mod error;
mod key_ring;
mod role;
mod verified_client;

use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, dangerous::insecure_decode_claims};
use serde_json::Value;
use signalr_serverless::{HubName, UserId, token::Claims};

pub use self::entra::{EntraIssuer, EntraIssuerError};
pub(crate) use self::{
    audience::Call,
    error::{AuthError, challenge},
    key_ring::KeyRing,
    verified_client::VerifiedClient,
};
use self::{
    audience::{Fit, Hosts, Place},
    entra::EntraVerifier,
    error::Advice,
    key_ring::Keys,
};
use crate::{host_name::HostName, request_path::RequestPaths};

/// How far the clock of the signer of a token may be ahead of ours.
const NOT_BEFORE_LEEWAY: Duration = Duration::from_secs(30);

/// The algorithms of an access key. Source: the options of Azure's SDK.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::HS256, Algorithm::HS512];

/// Checks tokens.
pub(crate) struct Verifier {
    keys: KeyRing,
    entra: Option<EntraVerifier>,
    /// The further names of the service, in addition to the hosts of requests.
    names: Vec<HostName>,
    paths: RequestPaths,
    /// Whether times, and the host and port of audiences, are left unchecked.
    is_lenient: bool,
}

/// Whether a token is expected again soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// The next request of the client has the same token.
    Again,
    /// The request opens a connection that needs no further request.
    Last,
}

/// The token in the Authorization header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The hosts by which the caller reached the service: directly, and before a proxy.
pub(crate) fn hosts(headers: &HeaderMap) -> Vec<&str> {
    let named = [headers.get(header::HOST), headers.get("x-forwarded-host")];
    let named = named.into_iter().flatten().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).map(str::trim).collect()
}

impl Verifier {
    pub(crate) fn new(keys: KeyRing, is_lenient: bool) -> Self {
        let (names, paths) = (Vec::new(), RequestPaths::new(&[]));
        Self { keys, entra: None, names, paths, is_lenient }
    }

    /// Also accepts audiences with these names of the service.
    pub(crate) fn with_names(mut self, names: Vec<HostName>, paths: RequestPaths) -> Self {
        (self.names, self.paths) = (names, paths);
        self
    }

    /// Also accepts REST callers with tokens of this issuer. `http` fetches the issuer's keys.
    pub(crate) fn with_entra(mut self, issuer: EntraIssuer, http: reqwest::Client) -> Self {
        self.entra = Some(EntraVerifier::new(issuer, http));
        self
    }

    /// Checks the token of a client of a hub. An expired token is accepted if everything else is
    /// good; the result says so.
    pub(crate) fn verify_client(
        &self,
        token: &str,
        hosts: &[&str],
        hub: &HubName,
        now: SystemTime,
        token_use: TokenUse,
    ) -> Result<VerifiedClient, AuthError> {
        let keys = self.keys.current();
        let claims = match signed_claims(&keys, token, token_use) {
            // The keys that are given out change each hour, so their tokens are not kept.
            Err(AuthError::WrongKey) => {
                Arc::new(decode(token, keys.client.decoding_keys(now).map(Cow::Owned))?)
            }
            checked => checked?,
        };
        let expired = match check_times(&claims, now) {
            _ if self.is_lenient => None,
            Err(AuthError::Expired(late)) => Some(late),
            checked => checked.map(|()| None)?,
        };
        check_audience(&claims, &audience::of_client(hosts, hub), |came| {
            audience::for_client(came, self.place(hosts), hub)
        })?;
        let user = claims.user().map(|user| UserId::parse(&user)).transpose()?;
        Ok(VerifiedClient { user, claims, expired })
    }

    /// Checks the token of a REST call. Leniency is for access keys only.
    pub(crate) async fn verify_call(
        &self,
        token: &str,
        call: &Call<'_>,
        now: SystemTime,
    ) -> Result<(), AuthError> {
        let keys = self.keys.current();
        let claims = match keys.checked.claims(token) {
            Some(claims) => claims,
            None if entra::is_entra(token) => {
                let entra = self.entra.as_ref().ok_or(AuthError::NoEntraIssuer)?;
                return entra.verify(token, now).await;
            }
            None => signed_claims(&keys, token, TokenUse::Again)?,
        };
        if !self.is_lenient {
            check_times(&claims, now)?;
        }
        let place = self.place(&call.hosts);
        check_audience(&claims, &call.audience(), |came| call.fit(came, place))
    }

    /// The hosts and paths that audiences may name.
    fn place<'a>(&'a self, reached: &'a [&'a str]) -> Place<'a> {
        let hosts = if self.is_lenient {
            Hosts::Any
        } else {
            Hosts::Named { reached, further: &self.names }
        };
        Place { hosts, paths: &self.paths }
    }
}

/// The claims of a token that an access key signed.
fn signed_claims(keys: &Keys, token: &str, token_use: TokenUse) -> Result<Arc<Claims>, AuthError> {
    if let Some(claims) = keys.checked.claims(token) {
        return Ok(claims);
    }
    let claims = Arc::new(decode(token, keys.decoding.iter().map(Cow::Borrowed))?);
    if token_use == TokenUse::Again {
        keys.checked.keep(token, &claims);
    }
    Ok(claims)
}

/// Checks the signature, with each key in turn, and reads the claims.
///
/// The claims are read separately from the signature check, because the library has its own rules
/// for registered claims. It ignores a `sub` with several values.
fn decode<'a>(
    token: &str,
    keys: impl Iterator<Item = Cow<'a, DecodingKey>>,
) -> Result<Claims, AuthError> {
    let malformed = |error: &dyn fmt::Display| AuthError::Malformed(error.to_string());
    let header = jsonwebtoken::decode_header(token).map_err(|error| malformed(&error))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(malformed(&format_args!("its algorithm is {:?}", header.alg)));
    }
    let (message, signature) = token.rsplit_once('.').unwrap_or_default();
    for key in keys {
        let is_signed =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, header.alg);
        if is_signed.map_err(|error| malformed(&error))? {
            return insecure_decode_claims(token).map_err(|error| malformed(&error));
        }
    }
    Err(AuthError::WrongKey)
}

fn check_times(claims: &Claims, now: SystemTime) -> Result<(), AuthError> {
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

/// A time in whole or fractional seconds since 1970. Source: RFC 7519, NumericDate.
fn seconds(claims: &Claims, name: &str) -> Option<SystemTime> {
    let seconds = Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok()?;
    UNIX_EPOCH.checked_add(seconds)
}

fn check_audience(
    claims: &Claims,
    expected: &str,
    fit: impl Fn(&str) -> Fit,
) -> Result<(), AuthError> {
    let came: Vec<&str> = match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if came.iter().any(|audience| fit(audience) == Fit::Right) {
        return Ok(());
    }
    let other_host = came.iter().find(|audience| fit(audience) == Fit::OtherHost);
    let other_host = other_host.and_then(|audience| audience::host(audience));
    let came = if came.is_empty() { "none".to_owned() } else { came.join(", ") };
    Err(AuthError::WrongAudience {
        expected: expected.to_owned(),
        came: came.chars().take(300).collect(),
        advice: Advice(other_host.map(|host| host.chars().take(100).collect())),
    })
}

#[cfg(test)]
mod tests;
