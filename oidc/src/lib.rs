//! Tokens of an OpenID Connect issuer: who signed them, for whom, and until when.
//!
//! | file | concern |
//! |---|---|
//! | `lib` | from a token to its claims |
//! | `token` | which tokens are good |
//! | `key` | which keys of the issuer may sign, and with which algorithms |
//! | `keys` | the issuer's keys, kept and renewed |
//! | `fetch` | the issuer's documents |
//! | `rejection` | why a token does not let its bearer in |

#![warn(missing_docs)]

mod fetch;
mod key;
mod keys;
mod rejection;
mod token;

use std::{fmt, sync::Arc, time::SystemTime};

use serde_json::{Map, Value};
use url::Url;

pub use self::rejection::Rejection;
use self::{
    fetch::Fetch,
    keys::{Found, Keys},
    token::{Expected, Unproven},
};

/// The URL of an issuer: https, or http on this machine, without a query.
///
/// ```
/// use signalr_oidc::Issuer;
///
/// assert!(Issuer::parse("https://login.example/tenant").is_ok());
/// assert!(Issuer::parse("http://login.example").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(Url);

/// An issuer's URL that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IssuerError(String);

impl Issuer {
    /// Takes an issuer's URL as a person writes it, with or without a `/` at its end.
    ///
    /// # Errors
    ///
    /// [`IssuerError`]: what came and what would do.
    pub fn parse(url: &str) -> Result<Self, IssuerError> {
        fetch::issuer_url(url).map(Self).map_err(IssuerError)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks tokens. Clones share the issuer's keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Arc<Keys>,
    audiences: Vec<String>,
}

impl Verifier {
    /// Takes this issuer's tokens for any of these audiences. No call is made: the issuer is first
    /// asked when a token comes, by this client, which must follow no redirect.
    #[must_use]
    pub fn new(issuer: Issuer, audiences: Vec<String>, http: reqwest::Client) -> Self {
        Self { keys: Arc::new(Keys::new(issuer.0, Fetch(http))), audiences }
    }

    /// The claims of a good token. It must run in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Rejection`], whose text says what is wrong.
    pub async fn check(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<Map<String, Value>, Rejection> {
        let (claims, found) = self.signed(token, now).await?;
        let expected = Expected { issuer: found.issuer(), audiences: &self.audiences };
        token::check(&claims, expected, now)?;
        Ok(claims)
    }

    /// What the issuer signed, and the key that proves it. What it says is not checked yet.
    async fn signed(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<(Map<String, Value>, Found), Rejection> {
        let header = token::header(token)?;
        let found = self.keys.key_for(&header, now).await?;
        match token::claims(token, &header, &found.key) {
            Err(Unproven::Signature) => {}
            claims => return Ok((claims?, found)),
        }
        let Some(newer) = self.keys.newer_key_for(&header, &found, now).await? else {
            return Err(Unproven::Signature.into());
        };
        Ok((token::claims(token, &header, &newer.key)?, newer))
    }
}

#[cfg(test)]
mod tests;
