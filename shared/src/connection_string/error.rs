//! What can be wrong with a connection string. No text here ever holds a key or a secret.

/// Why a connection string cannot be used.
///
/// ```
/// use signalr_serverless::{ConnectionString, ConnectionStringError};
///
/// let error = ConnectionString::parse(" ").unwrap_err();
/// assert!(matches!(error, ConnectionStringError::Blank));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionStringError {
    /// Nothing, or only white space.
    #[error("the connection string is empty; use 'Endpoint=https://…;AccessKey=…;Version=1.0;'")]
    Blank,
    /// A reference to a Key Vault in place of what it stands for.
    #[error(
        "the connection string is a reference to a Key Vault that was not resolved (it is not shown): give the app's identity access to the vault's secrets, or set the connection string itself"
    )]
    UnresolvedReference,
    /// Fewer than two `key=value` parts.
    #[error(
        "the connection string has fewer than two parts; use 'Endpoint=https://…;AccessKey=…;Version=1.0;'"
    )]
    TooFewParts,
    /// A key is there twice; case does not count.
    #[error("the connection string has the key '{0}' more than once; keep one of them")]
    DuplicateKey(String),
    /// No `Endpoint`.
    #[error("the connection string has no Endpoint; add 'Endpoint=https://…'")]
    MissingEndpoint,
    /// `Endpoint` is no usable URL.
    #[error(
        "Endpoint '{0}' in the connection string is not a URL of http or https; use 'https://<name>.service.signalr.net'"
    )]
    InvalidEndpoint(String),
    /// `Version` is not 1.x.
    #[error("Version '{0}' in the connection string is not supported; use 1.0 or another 1.x")]
    UnsupportedVersion(String),
    /// `Port` is no port.
    #[error("Port '{0}' in the connection string is not a port; use a number from 1 to 65535")]
    InvalidPort(String),
    /// `ClientEndpoint` is no usable URL.
    #[error(
        "ClientEndpoint '{0}' in the connection string is not a plain URL of http or https; use 'https://host/path' without query, fragment and user"
    )]
    InvalidClientEndpoint(String),
    /// `ServerEndpoint` is no usable URL.
    #[error(
        "ServerEndpoint '{0}' in the connection string is not a plain URL of http or https; use 'https://host/path' without query, fragment and user"
    )]
    InvalidServerEndpoint(String),
    /// No `AccessKey`, or an empty one, and no `AuthType` that does without.
    #[error("the connection string has no AccessKey; add one, or an AuthType for Microsoft Entra")]
    MissingAccessKey,
    /// An application's identity without `ClientId`.
    #[error("the connection string has AuthType=azure.app but no ClientId; add it")]
    MissingClientId,
    /// An application's identity without `TenantId`.
    #[error("the connection string has AuthType=azure.app but no TenantId; add it")]
    MissingTenantId,
    /// An application's identity without `ClientSecret` or `ClientCertPath`.
    #[error(
        "the connection string names an application but neither ClientSecret nor ClientCertPath; add one of them"
    )]
    MissingClientSecret,
    /// A setting of an identity that another one needs is not there.
    #[error("{setting} is not set, and {because} needs it; set it")]
    MissingSetting {
        /// The setting's full name.
        setting: String,
        /// The full name of the setting that needs it.
        because: String,
    },
    /// A setting of an identity is not what it should be.
    #[error("{setting} '{value}' cannot be used; {remedy}")]
    InvalidSetting {
        /// The setting's full name.
        setting: String,
        /// What came.
        value: String,
        /// What would do.
        remedy: &'static str,
    },
}

const HIDDEN: &str = "(hidden, as it may hold a secret)";

/// A value that came, fit for an error text.
///
/// A wrong separator glues the next part to a value, so `https://host,AccessKey=…` would carry the
/// key along; a URL may hold a password before its `@`. Such values are hidden as a whole.
pub(super) fn show_value(value: &str) -> String {
    const SHOWN: usize = 128;
    if value.contains(['=', '@']) || value.to_ascii_lowercase().contains("accesskey") {
        return HIDDEN.to_owned();
    }
    match value.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.to_owned(),
    }
}

/// A key that came, fit for an error text: anything longer than a key's name could be a secret.
pub(super) fn show_key(key: &str) -> String {
    let is_short_word = key.len() <= 20 && key.chars().all(|c| c.is_ascii_alphabetic());
    if is_short_word { key.to_owned() } else { HIDDEN.to_owned() }
}
