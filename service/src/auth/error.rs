//! Why a token is refused.

use std::{fmt, time::Duration};

use http::HeaderValue;
use signalr_serverless::NameError;

use super::role::Roles;

/// What is wrong with a token. The texts are for the caller and contain no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("no access token came with the request; send it as 'Authorization: Bearer …'")]
    Missing,
    #[error("the access token is not a JSON Web Token signed with HS256 or HS512: {0}")]
    Malformed(String),
    #[error("the access token is signed with another key than the service's")]
    WrongKey,
    #[error("the access token has no expiry ('exp')")]
    NoExpiry,
    #[error("the access token expired {} seconds ago", .0.as_secs())]
    Expired(Duration),
    #[error("the access token is not valid yet: 'nbf' is {} seconds ahead", .0.as_secs())]
    NotYetValid(Duration),
    #[error(
        "the audience of the access token is wrong: expected {expected}, but came {came}{advice}"
    )]
    WrongAudience { expected: String, came: String, advice: Advice },
    #[error("the user that the access token names cannot be: {0}")]
    BadUser(#[from] NameError),
    #[error("the access token of Microsoft Entra is not good: {0}")]
    BadEntraToken(String),
    #[error("access tokens of Microsoft Entra cannot be checked now: {0}")]
    NoEntraKeys(String),
    #[error("the access token's 'roles' must hold {0}; give its identity that role")]
    NoRole(Roles),
    #[error(
        "the access token is not signed with HS256 or HS512, and this service knows no Microsoft Entra issuer; sign with an access key, or give the service the issuer"
    )]
    NoEntraIssuer,
}

/// The flag that would allow a token with another host in its audience.
#[derive(Debug)]
pub(crate) struct Advice(pub(super) Option<String>);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(host) => {
                write!(f, "; if this service is known as {host}, start it with --host {host}")
            }
            None => Ok(()),
        }
    }
}

/// The value of `WWW-Authenticate` for a refused token.
pub(crate) fn challenge(text: &str) -> HeaderValue {
    let plain: String = text
        .chars()
        .map(|c| if c == '"' || !(' '..='~').contains(&c) { '\'' } else { c })
        .collect();
    let value = format!("Bearer error=\"invalid_token\", error_description=\"{plain}\"");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"))
}
