//! An issuer whose tokens are accepted: its names in tokens, and the URL of its keys.

use std::fmt;

use serde_json::{Map, Value};
use url::{Host, Url};

/// Stands for the tenant in the issuer of Microsoft Entra's tokens.
/// Source: the discovery documents of its endpoints `common` and `organizations`.
const TENANT: &str = "{tenantid}";

/// The claim that names a token's tenant.
const TENANT_CLAIM: &str = "tid";

/// An issuer whose tokens are accepted, and the URL of its keys: https, or http on this machine.
///
/// ```
/// use signalr_oidc::Issuer;
///
/// assert!(Issuer::parse("https://login.example/tenant").is_ok());
/// assert!(Issuer::parse("http://login.example").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The names in tokens. The name in a discovery document may differ by a `/` at its end.
    names: Vec<String>,
    discovery: Url,
    tenants: Vec<String>,
}

/// An issuer's URL that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IssuerError(String);

impl Issuer {
    /// Parses an issuer's URL, with or without a `/` at its end. The discovery document below this URL
    /// leads to the keys.
    ///
    /// # Errors
    ///
    /// [`IssuerError`]: what came and what would be right.
    pub fn parse(url: &str) -> Result<Self, IssuerError> {
        if url.contains(TENANT) {
            return Err(IssuerError(format!(
                "'{url}' is the issuer of many tenants; name the discovery document and the tenants that may come"
            )));
        }
        let mut discovery = secure_url(url).map_err(IssuerError)?;
        if discovery.query().is_some() || discovery.fragment().is_some() {
            return Err(IssuerError(format!(
                "'{url}' has a query or a fragment; an issuer has none"
            )));
        }
        // Source: OpenID Connect Discovery 1.0, section 4.
        let path = discovery.path().trim_end_matches('/').to_owned();
        discovery.set_path(&format!("{path}/.well-known/openid-configuration"));
        Ok(Self { names: vec![url.to_owned()], discovery, tenants: Vec::new() })
    }

    /// Makes an issuer from the name in its tokens. Its keys are found through a discovery document
    /// at another URL.
    ///
    /// A `{tenantid}` in the name stands for the tenant in a token's `tid`;
    /// [`with_tenants`](Self::with_tenants) says which.
    ///
    /// ```
    /// use signalr_oidc::Issuer;
    ///
    /// let issuer = Issuer::found_by(
    ///     "https://login.microsoftonline.com/{tenantid}/v2.0",
    ///     "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration",
    /// )?
    /// .with_tenants(["72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned()]);
    /// # Ok::<(), signalr_oidc::IssuerError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`IssuerError`] for the discovery document's URL: what came and what would be right.
    pub fn found_by(name: &str, discovery: &str) -> Result<Self, IssuerError> {
        let discovery = secure_url(discovery).map_err(IssuerError)?;
        Ok(Self { names: vec![name.to_owned()], discovery, tenants: Vec::new() })
    }

    /// Accepts tokens with this name of the issuer too.
    #[must_use]
    pub fn also_named(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// The tenants that `{tenantid}` may stand for. Without tenants no token of such an issuer is
    /// good.
    #[must_use]
    pub fn with_tenants(mut self, tenants: impl IntoIterator<Item = String>) -> Self {
        self.tenants.extend(tenants);
        self
    }

    /// Whether the tenant is a part of one of its names.
    #[must_use]
    pub fn has_tenants(&self) -> bool {
        self.names.iter().any(|name| name.contains(TENANT))
    }

    pub(super) fn discovery(&self) -> &Url {
        &self.discovery
    }

    /// Whether a discovery document with this name belongs to this issuer.
    pub(super) fn is_named(&self, named: &str) -> bool {
        self.names.iter().any(|name| is_same(name, named))
    }

    /// Checks that a token's claims belong to this issuer. `published` is the name in the issuer's
    /// document. If there is a `key_issuer`, the token's key is only for that issuer.
    ///
    /// # Errors
    ///
    /// [`Rejection`], which says what was expected.
    pub(super) fn check(
        &self,
        claims: &Map<String, Value>,
        published: &str,
        key_issuer: Option<&str>,
    ) -> Result<(), String> {
        let came = claims.get("iss").and_then(Value::as_str);
        // The spelling of the document decides.
        let names: Vec<&str> = self
            .names
            .iter()
            .map(|name| if is_same(name, published) { published } else { name })
            .collect();
        let tenant = claims.get(TENANT_CLAIM).and_then(Value::as_str);
        let of_token = names.iter().filter_map(|name| match name.contains(TENANT) {
            true => tenant.filter(|tenant| self.allows(tenant)).map(|it| name.replace(TENANT, it)),
            false => Some((*name).to_owned()),
        });
        let of_token: Vec<String> = of_token.collect();
        if !of_token.iter().any(|name| Some(&**name) == came) {
            let tenants = match self.has_tenants() {
                true => format!(" with the tenant {}", self.tenants.join(" or ")),
                false => String::new(),
            };
            return Err(format!("'{}'{tenants}", names.join("' or '")));
        }
        match key_issuer {
            // Both versions of Entra's endpoint list the keys. Only one of them lists the issuer of
            // each key.
            Some(only) if !only.contains(TENANT) && !of_token.iter().any(|name| name == only) => {
                Err(format!("'{only}', for which alone its key is"))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, tenant: &str) -> bool {
        self.tenants.iter().any(|allowed| allowed.eq_ignore_ascii_case(tenant))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join(", "))
    }
}

fn is_same(name: &str, other: &str) -> bool {
    name.trim_end_matches('/') == other.trim_end_matches('/')
}

/// A URL that documents can be fetched from.
///
/// # Errors
///
/// A text that says what came and what would be right.
pub(super) fn secure_url(text: &str) -> Result<Url, String> {
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
            assert!(Issuer::parse(good).is_ok(), "{good}");
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
            ("https://login.example/{tenantid}/v2.0", "of many tenants; name the discovery"),
        ] {
            let problem = Issuer::parse(bad).unwrap_err().to_string();
            assert!(problem.contains(part) && !problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn discovery_stands_behind_the_issuers_path_or_where_it_is_said_to_be() {
        for (issuer, url) in [
            ("https://x.test", "https://x.test/.well-known/openid-configuration"),
            ("https://x.test/a/", "https://x.test/a/.well-known/openid-configuration"),
        ] {
            assert_eq!(Issuer::parse(issuer).unwrap().discovery().as_str(), url);
        }
        let url = "https://y.test/x?p=policy";
        let elsewhere = Issuer::found_by("accounts.google.com", url).unwrap();
        assert_eq!(elsewhere.discovery().as_str(), url);
        assert!(Issuer::found_by("https://x.test", "http://x.test").is_err());
    }
}
