//! Tokens of an OpenID Connect issuer: who signed them, for whom, and until when.
//!
//! | file | concern |
//! |---|---|
//! | `lib` | from a token to its claims |
//! | `issuer` | whose tokens count, and where its keys are found |
//! | `token` | which tokens are good |
//! | `key` | which keys of the issuer may sign, and with which algorithms |
//! | `keys` | the issuer's keys, and which of them is a token's |
//! | `fetch` | the issuer's documents |
//! | `rejection` | why a token does not let its bearer in |

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
    /// Takes this issuer's tokens for any of these audiences. No call is made: the issuer is first
    /// asked when a token comes, by this client, which must follow no redirect.
    #[must_use]
    pub fn new(issuer: Issuer, audiences: Vec<String>, http: reqwest::Client) -> Self {
        let keys = Keys::new(issuer.clone(), Fetch(http));
        Self { issuer, keys, audience_claim: token::AUDIENCE_CLAIM.to_owned(), audiences }
    }

    /// Looks for the audience in this claim instead of `aud`: tokens of some issuers name there the
    /// client that they were issued to, such as `client_id` or `azp`, and have no audience of their own.
    #[must_use]
    pub fn with_audience_claim(mut self, name: impl Into<String>) -> Self {
        self.audience_claim = name.into();
        self
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
        let expected =
            Expected { audience_claim: &self.audience_claim, audiences: &self.audiences };
        self.issuer.check(&claims, found.issuer(), found.key.issuer.as_deref()).map_err(
            |expected| token::wrong("issuer", &expected, claims.get(token::ISSUER_CLAIM)),
        )?;
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
