//! The issuer's documents: its discovery document and its keys.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::{Host, Url};

use super::key::Key;

/// For one document. Two are fetched for the first token, well within what clients wait.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The longest document, in bytes. Those of large issuers have about 10 kB.
const MAX_DOCUMENT: usize = 256 * 1024;

/// What an issuer published.
#[derive(Debug)]
pub(super) struct Issued {
    /// The name by which its tokens call it.
    pub(super) issuer: String,
    /// At least one.
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
    /// Each for itself, since one of a kind that is new must not spoil the others.
    keys: Vec<Value>,
}

impl Fetch {
    /// Fetches an issuer's keys by its discovery document.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which document.
    pub(super) async fn keys_of(&self, issuer: &Url) -> Result<Issued, String> {
        let discovery: Discovery = self.document(&discovery_url(issuer)).await?;
        let named = discovery.issuer;
        if named.trim_end_matches('/') != issuer.as_str().trim_end_matches('/') {
            let named: String = named.chars().take(200).collect();
            return Err(format!("{issuer} calls itself '{named}'; use that"));
        }
        let url =
            secure_url(&discovery.jwks_uri).map_err(|problem| format!("jwks_uri {problem}"))?;
        let KeySet { keys } = self.document(&url).await?;
        let keys = usable(keys);
        // Taken, it would lock out everybody whose token an earlier key still proves.
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
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        Key::parse(&jwk)
    });
    keys.collect()
}

/// An issuer's URL as a person sets it.
///
/// # Errors
///
/// What came and what would do.
pub(super) fn issuer_url(text: &str) -> Result<Url, String> {
    let url = secure_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("'{text}' has a query or a fragment; an issuer has none"));
    }
    Ok(url)
}

fn secure_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("'{text}' is not a URL; use https://…"))?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password; leave them out".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(format!("'{text}' is not https; http is taken on this machine only")),
    }
}

/// Source: OpenID Connect Discovery 1.0, section 4.
fn discovery_url(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{path}/.well-known/openid-configuration"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine() {
        for good in [
            "https://login.example",
            "https://login.example/tenant/v2.0",
            "http://localhost:9000",
            "http://127.0.0.1:9000/x/",
            "http://[::1]:1",
        ] {
            assert!(issuer_url(good).is_ok(), "{good}");
        }
        for (bad, part) in [
            ("http://login.example", "is not https"),
            ("http://localhost.evil.test", "is not https"),
            ("ftp://localhost", "is not https"),
            ("file:///etc/passwd", "is not https"),
            ("login.example", "is not a URL"),
            ("https://user:secret@login.example", "has a user or a password"),
            ("https://login.example?x", "has a query"),
            ("https://login.example#x", "has a query"),
        ] {
            let problem = issuer_url(bad).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn discovery_stands_behind_the_issuers_path() {
        for (issuer, url) in [
            ("https://x.test", "https://x.test/.well-known/openid-configuration"),
            ("https://x.test/a/", "https://x.test/a/.well-known/openid-configuration"),
        ] {
            assert_eq!(discovery_url(&Url::parse(issuer).unwrap()).as_str(), url);
        }
    }
}
