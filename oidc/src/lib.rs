//! Tokens of an OpenID Connect issuer: who signed them, for whom, and until when.
//!
//! | file | concern |
//! |---|---|
//! | `lib` | from a token to its claims |
//! | `issuer` | an issuer whose tokens are accepted, and the URL of its keys |
//! | `token` | which tokens are good |
//! | `key` | the keys of the issuer that may sign, and their algorithms |
//! | `keys` | the issuer's keys, and which of them signed a token |
//! | `fetch` | the issuer's documents |
//! | `rejection` | why a token is rejected |

#![warn(missing_docs)]

mod fetch;
mod issuer;
mod key;
mod keys;
mod rejection;
mod token;

use std::time::SystemTime;

use serde_json::{Map, Value};

use self::{
    fetch::Fetch,
    keys::{Found, Keys},
    token::{Expected, Unproven},
};
pub use self::{
    issuer::{Issuer, IssuerError},
    rejection::Rejection,
};

/// Checks tokens. Clones share the issuer's keys.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: Issuer,
    keys: Keys,
    audience_claim: String,
    audiences: Vec<String>,
}

impl Verifier {
    /// Accepts this issuer's tokens for any of these audiences. This makes no call: `http` fetches
    /// the issuer's keys when the first token arrives. `http` must not follow redirects.
    #[must_use]
    pub fn new(issuer: Issuer, audiences: Vec<String>, http: reqwest::Client) -> Self {
        let keys = Keys::new(issuer.clone(), Fetch(http));
        Self { issuer, keys, audience_claim: token::AUDIENCE_CLAIM.to_owned(), audiences }
    }

    /// Looks for the audience in this claim instead of `aud`: some issuers' tokens have no audience; a
    /// claim such as `client_id` or `azp` names the client that they were issued to.
    #[must_use]
    pub fn with_audience_claim(mut self, name: impl Into<String>) -> Self {
        self.audience_claim = name.into();
        self
    }

    /// The claims of a good token. Call this in a tokio runtime.
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
        let expected =
            Expected { audience_claim: &self.audience_claim, audiences: &self.audiences };
        self.issuer.check(&claims, found.issuer(), found.key.issuer.as_deref()).map_err(
            |expected| token::wrong("issuer", &expected, claims.get(token::ISSUER_CLAIM)),
        )?;
        token::check(&claims, expected, now)?;
        Ok(claims)
    }

    /// The signed claims of a token and the key that proves them. The content of the claims is not
    /// checked yet.
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
