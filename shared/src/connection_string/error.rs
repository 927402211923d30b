//! The errors of connection strings. No text here ever contains a key or a secret.

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
    /// The text is empty or only white space.
    #[error("the connection string is empty; use 'Endpoint=https://…;AccessKey=…;Version=1.0;'")]
    Blank,
    /// The text is a reference to a Key Vault that was not replaced by its value.
    #[error(
        "the connection string is a reference to a Key Vault that was not resolved (it is not shown): give the app's identity access to the vault's secrets, or set the connection string itself"
    )]
    UnresolvedReference,
    /// There are fewer than two `key=value` parts.
    #[error(
        "the connection string has fewer than two parts; use 'Endpoint=https://…;AccessKey=…;Version=1.0;'"
    )]
    TooFewParts,
    /// A key is there twice; case does not matter.
    #[error("the connection string has the key '{0}' more than once; keep one of them")]
    DuplicateKey(String),
    /// There is no `Endpoint`.
    #[error("the connection string has no Endpoint; add 'Endpoint=https://…'")]
    MissingEndpoint,
    /// `Endpoint` is not a usable URL.
    #[error(
        "Endpoint '{0}' in the connection string is not a URL of http or https; use 'https://<name>.service.signalr.net'"
    )]
    InvalidEndpoint(String),
    /// `Version` is not 1.x.
    #[error("Version '{0}' in the connection string is not supported; use 1.0 or another 1.x")]
    UnsupportedVersion(String),
    /// `Port` is not a port.
    #[error("Port '{0}' in the connection string is not a port; use a number from 1 to 65535")]
    InvalidPort(String),
    /// `ClientEndpoint` is not a usable URL.
    #[error(
        "ClientEndpoint '{0}' in the connection string is not a plain URL of http or https; use 'https://host/path' without query, fragment and user"
    )]
    InvalidClientEndpoint(String),
    /// `ServerEndpoint` is not a usable URL.
    #[error(
        "ServerEndpoint '{0}' in the connection string is not a plain URL of http or https; use 'https://host/path' without query, fragment and user"
    )]
    InvalidServerEndpoint(String),
    /// `AccessKey` is missing or empty, and there is no `AuthType` that needs none.
    #[error("the connection string has no AccessKey; add one, or an AuthType for Microsoft Entra")]
    MissingAccessKey,
    /// `ClientId` is missing for an application's identity.
    #[error("the connection string has AuthType=azure.app but no ClientId; add it")]
    MissingClientId,
    /// `TenantId` is missing for an application's identity.
    #[error("the connection string has AuthType=azure.app but no TenantId; add it")]
    MissingTenantId,
    /// `ClientSecret` and `ClientCertPath` are both missing for an application's identity.
    #[error(
        "the connection string names an application but neither ClientSecret nor ClientCertPath; add one of them"
    )]
    MissingClientSecret,
    /// A setting of an identity is missing, and another setting needs it.
    #[error("{setting} is not set, and {because} needs it; set it")]
    MissingSetting {
        /// The setting's full name.
        setting: String,
        /// The full name of the setting that needs it.
        because: String,
    },
    /// A setting of an identity has a wrong value.
    #[error("{setting} '{value}' cannot be used; {remedy}")]
    InvalidSetting {
        /// The setting's full name.
        setting: String,
        /// The wrong value.
        value: String,
        /// What would be right.
        remedy: &'static str,
    },
}

const HIDDEN: &str = "(hidden, as it may hold a secret)";

/// The form in which an error text shows a value.
///
/// With a wrong separator the value includes the next part: `https://host,AccessKey=…` would show
/// the key. A URL may also contain a password before its `@`. Such values are hidden completely.
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

/// The form in which an error text shows a key's name. Text that is longer than any such name could
/// be a secret.
pub(super) fn show_key(key: &str) -> String {
    let is_short_word = key.len() <= 20 && key.chars().all(|c| c.is_ascii_alphabetic());
    if is_short_word { key.to_owned() } else { HIDDEN.to_owned() }
}
