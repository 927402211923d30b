//! Connection strings: `Endpoint=https://…;AccessKey=…;Version=1.0;`.
//!
//! Source: Azure's description of the connection string and the parser of its .NET SDK.

pub(crate) mod error;
mod identity_settings;

use std::{collections::HashMap, fmt, str::FromStr};

use url::Url;

pub use self::error::ConnectionStringError;
use self::error::{show_key, show_value};
#[cfg(feature = "entra")]
use crate::token_source::{SharedTokenSource, TokenSource};
use crate::{
    access_key::AccessKey,
    credential::{ApplicationProof, ClientSecret, Credential, EntraIdentity},
};

/// The port of the version v1-preview of the API. Source: its published description.
const PREVIEW_PORT: u16 = 5002;

/// The address of a service and the credential for it.
///
/// The case of keys does not matter. White space around keys and values is dropped. Unknown keys
/// and parts without `=` are ignored. Debug and Display never show a key or a secret.
///
/// ```
/// use signalr_serverless::ConnectionString;
///
/// let service = ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=k;Version=1.0;")?;
/// assert_eq!(service.client_endpoint(), "http://localhost:8888");
/// assert_eq!(service.to_string(), "http://localhost:8888");
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionString {
    endpoint: String,
    client_endpoint: String,
    server_endpoint: String,
    preview_endpoint: String,
    version: Option<String>,
    credential: Credential,
}

impl ConnectionString {
    /// Parses a connection string.
    ///
    /// An empty `AccessKey` counts as missing: anyone could sign with it.
    ///
    /// # Errors
    ///
    /// [`ConnectionStringError`], for the first error in this order: the parts, `Endpoint`,
    /// `Version`, `Port`, `ClientEndpoint`, `ServerEndpoint`, the credential.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        let parts = Parts::split(text)?;

        let text = parts.get("endpoint").ok_or(ConnectionStringError::MissingEndpoint)?;
        let url = parse_url(text)
            .ok_or_else(|| ConnectionStringError::InvalidEndpoint(show_value(text)))?;
        let version = parts.get("version").map(parse_version).transpose()?;
        let port = parts.get("port").map(parse_port).transpose()?;
        let endpoint = origin(url.clone(), port);

        let client_endpoint = match parts.get("clientendpoint") {
            Some(url) => parse_base_url(url)
                .ok_or_else(|| ConnectionStringError::InvalidClientEndpoint(show_value(url)))?,
            None => endpoint.clone(),
        };
        let server_endpoint = match parts.get("serverendpoint") {
            Some(url) => parse_base_url(url)
                .ok_or_else(|| ConnectionStringError::InvalidServerEndpoint(show_value(url)))?,
            None => endpoint.clone(),
        };
        let is_chosen = port.is_some() || names_port(text) || parts.get("serverendpoint").is_some();
        let preview_endpoint =
            if is_chosen { server_endpoint.clone() } else { origin(url, Some(PREVIEW_PORT)) };
        let credential = parse_credential(&parts)?;

        Ok(Self {
            endpoint,
            client_endpoint,
            server_endpoint,
            preview_endpoint,
            version,
            credential,
        })
    }

    /// Uses tokens from this source instead of the credential in the connection string.
    #[cfg(feature = "entra")]
    #[must_use]
    pub fn with_token_source(mut self, source: impl TokenSource + 'static) -> Self {
        let source = SharedTokenSource::new(source);
        self.credential = Credential::Entra(EntraIdentity::TokenSource(source));
        self
    }

    /// The service itself: `scheme://host`, with the port if it is not the scheme's own.
    /// There is no path and no `/` at the end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The URL for clients: `ClientEndpoint`, otherwise the endpoint. It may have a path and never
    /// ends in `/`, so `/client/…` can be appended.
    #[must_use]
    pub fn client_endpoint(&self) -> &str {
        &self.client_endpoint
    }

    /// The URL for REST calls: `ServerEndpoint`, otherwise the endpoint. It may have a path and
    /// never ends in `/`, so `/api/…` can be appended.
    #[must_use]
    pub fn server_endpoint(&self) -> &str {
        &self.server_endpoint
    }

    /// The URL for REST calls of the version v1-preview. If the connection string has a port or a
    /// `ServerEndpoint`, the calls go there. Otherwise they go to port 5002 of the endpoint.
    ///
    /// ```
    /// use signalr_serverless::ConnectionString;
    ///
    /// let azure = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=k")?;
    /// assert_eq!(azure.preview_endpoint(), "https://x.service.signalr.net:5002");
    /// # Ok::<(), signalr_serverless::ConnectionStringError>(())
    /// ```
    #[must_use]
    pub fn preview_endpoint(&self) -> &str {
        &self.preview_endpoint
    }

    /// The credential of the caller.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// `Version`, such as `1.0`, if there is one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl FromStr for ConnectionString {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, ConnectionStringError> {
        Self::parse(text)
    }
}

/// Shows the endpoints, without the credential.
impl fmt::Display for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint)?;
        if self.client_endpoint != self.endpoint {
            write!(f, ";ClientEndpoint={}", self.client_endpoint)?;
        }
        if self.server_endpoint != self.endpoint {
            write!(f, ";ServerEndpoint={}", self.server_endpoint)?;
        }
        Ok(())
    }
}

/// The `key=value` parts. The keys are in lower case.
struct Parts<'a>(HashMap<String, &'a str>);

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, ConnectionStringError> {
        if text.trim().is_empty() {
            return Err(ConnectionStringError::Blank);
        }
        // If Azure cannot resolve an app setting, the program gets the reference itself.
        if text.trim().to_ascii_lowercase().starts_with("@microsoft.keyvault(") {
            return Err(ConnectionStringError::UnresolvedReference);
        }
        let parts = || text.split(';').filter(|part| !part.is_empty());
        if parts().count() < 2 {
            return Err(ConnectionStringError::TooFewParts);
        }
        let mut values = HashMap::new();
        for (key, value) in parts().filter_map(|part| part.split_once('=')) {
            let key = key.trim();
            if values.insert(key.to_ascii_lowercase(), value.trim()).is_some() {
                return Err(ConnectionStringError::DuplicateKey(show_key(key)));
            }
        }
        Ok(Self(values))
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).copied()
    }

    fn get_filled(&self, key: &str) -> Option<&'a str> {
        self.get(key).filter(|value| !value.is_empty())
    }
}

/// An absolute URL of http or https with a host and without a user.
///
/// The `url` crate follows browsers and accepts more than a connection string should: a missing
/// `//`, line breaks inside.
fn parse_url(text: &str) -> Option<Url> {
    let has_authority = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
    let is_one_word = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    if !has_authority || !is_one_word {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https");
    let has_user = !url.username().is_empty() || url.password().is_some();
    (is_http && !has_user).then_some(url)
}

/// `scheme://host`, with the port if it is not the scheme's own.
fn origin(mut url: Url, port: Option<u16>) -> String {
    if port.is_some() {
        // This fails only for URLs without a host or of the scheme `file`. `parse_url` accepts none
        // of these.
        let _ = url.set_port(port);
    }
    url.origin().ascii_serialization()
}

/// Whether a URL has a port, even the scheme's own, which [`Url`] drops.
fn names_port(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    after_host.split_once(':').is_some_and(|(_, port)| !port.is_empty())
}

/// A URL to which paths can be appended: no query, no fragment, and no `/` at the end.
fn parse_base_url(text: &str) -> Option<String> {
    let url = parse_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// `1.` and digits, then an optional suffix: `1.0`, `1.1-preview`.
fn parse_version(text: &str) -> Result<String, ConnectionStringError> {
    let is_version = text.strip_prefix("1.").is_some_and(|minor| {
        minor.starts_with(|c: char| c.is_ascii_digit())
            && minor.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    });
    if is_version {
        Ok(text.to_owned())
    } else {
        Err(ConnectionStringError::UnsupportedVersion(show_value(text)))
    }
}

fn parse_port(text: &str) -> Result<u16, ConnectionStringError> {
    match text.parse() {
        Ok(port @ 1..) => Ok(port),
        _ => Err(ConnectionStringError::InvalidPort(show_value(text))),
    }
}

/// Any `AuthType` that is not known means the access key, as in Azure's own SDK.
fn parse_credential(parts: &Parts<'_>) -> Result<Credential, ConnectionStringError> {
    let auth_type = parts.get("authtype").map(str::to_ascii_lowercase);
    let client_id = parts.get_filled("clientid");
    let tenant_id = parts.get_filled("tenantid");
    let identity = match auth_type.as_deref() {
        Some("azure") => EntraIdentity::Default,
        Some("azure.msi") => managed_identity(client_id),
        Some("azure.app") => {
            let client_id = client_id.ok_or(ConnectionStringError::MissingClientId)?;
            let tenant_id = tenant_id.ok_or(ConnectionStringError::MissingTenantId)?;
            application(client_id, tenant_id, parts)?
        }
        Some("aad") => match (client_id, tenant_id) {
            (Some(client_id), Some(tenant_id)) => application(client_id, tenant_id, parts)?,
            (client_id, _) => managed_identity(client_id),
        },
        _ => {
            let key = parts.get("accesskey").unwrap_or_default();
            return AccessKey::parse(key)
                .map(Credential::AccessKey)
                .map_err(|_| ConnectionStringError::MissingAccessKey);
        }
    };
    Ok(Credential::Entra(identity))
}

fn managed_identity(client_id: Option<&str>) -> EntraIdentity {
    EntraIdentity::ManagedIdentity { client_id: client_id.map(str::to_owned) }
}

fn application(
    client_id: &str,
    tenant_id: &str,
    parts: &Parts<'_>,
) -> Result<EntraIdentity, ConnectionStringError> {
    let secret = parts.get_filled("clientsecret").map(ClientSecret::new);
    let certificate = || parts.get_filled("clientcertpath").or(parts.get_filled("clientcert"));
    let proof = match secret {
        Some(secret) => ApplicationProof::Secret(secret),
        None => certificate()
            .map(|path| ApplicationProof::CertificatePath(path.to_owned()))
            .ok_or(ConnectionStringError::MissingClientSecret)?,
    };
    Ok(EntraIdentity::Application {
        client_id: client_id.to_owned(),
        tenant_id: tenant_id.to_owned(),
        proof,
    })
}

#[cfg(test)]
mod tests;
