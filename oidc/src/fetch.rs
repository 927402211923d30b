//! The issuer's documents: its discovery document and its keys.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{
    issuer::{Issuer, secure_url},
    key::Key,
};

/// The time limit for one document. The first token needs two documents; clients wait longer than
/// that.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The longest document, in bytes. Documents of large issuers have about 10 kB.
const MAX_DOCUMENT: usize = 256 * 1024;

/// The published name and keys of an issuer.
#[derive(Debug)]
pub(super) struct Issued {
    /// The issuer's name in its discovery document.
    pub(super) issuer: String,
    /// The keys, at least one.
    pub(super) keys: Vec<Key>,
}

/// Fetches documents over https, or http on this machine.
#[derive(Clone, Debug)]
pub(super) struct Fetch(pub(super) reqwest::Client);

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    /// Each key is parsed alone, so that a key of a new kind does not make the others unusable.
    keys: Vec<Value>,
}

impl Fetch {
    /// Fetches an issuer's keys through its discovery document.
    ///
    /// # Errors
    ///
    /// A text that says what is wrong with which document.
    pub(super) async fn keys_of(&self, issuer: &Issuer) -> Result<Issued, String> {
        let discovery: Discovery = self.document(issuer.discovery()).await?;
        let named = discovery.issuer;
        if !issuer.is_named(&named) {
            let named: String = named.chars().take(200).collect();
            return Err(format!("{issuer} calls itself '{named}'; use that"));
        }
        let url =
            secure_url(&discovery.jwks_uri).map_err(|problem| format!("jwks_uri {problem}"))?;
        let KeySet { keys } = self.document(&url).await?;
        let keys = usable(keys);
        // If this set were accepted, all holders of tokens of an earlier key would be locked out.
        if keys.is_empty() {
            return Err(format!("{url} has no key that can sign"));
        }
        Ok(Issued { issuer: named, keys })
    }

    async fn document<T: DeserializeOwned>(&self, url: &Url) -> Result<T, String> {
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            match error.is_timeout() {
                true => format!("{url} did not answer within {TIME_LIMIT:?}"),
                false => {
                    let cause = signalr_http_client::cause(&error);
                    format!("{url} cannot be reached: {cause}")
                }
            }
        };
        let mut response =
            self.0.get(url.clone()).timeout(TIME_LIMIT).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answered with {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_DOCUMENT {
                return Err(format!("{url} answered with more than {MAX_DOCUMENT} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| format!("{url} cannot be read: {error}"))
    }
}

fn usable(keys: Vec<Value>) -> Vec<Key> {
    let keys = keys.into_iter().filter_map(|key| {
        let issuer = key.get("issuer").and_then(Value::as_str).map(str::to_owned);
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        Key::parse(&jwk, issuer)
    });
    keys.collect()
}
