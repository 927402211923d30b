//! How a caller proves to the service who it is: an access key, or a Microsoft Entra identity.

use std::fmt;

use subtle::ConstantTimeEq;

#[cfg(feature = "entra")]
use crate::entra::SharedTokenSource;

/// What a connection string says about proof of identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Tokens are signed with this key.
    AccessKey(AccessKey),
    /// Tokens come from Microsoft Entra ID.
    Entra(EntraIdentity),
}

/// The key that signs and checks tokens.
///
/// Its bytes are the UTF-8 bytes of the text: the service never decodes base64 here. Debug and
/// Display hide it, and comparing two keys takes the same time wherever they differ.
///
/// ```
/// use signalr_serverless::AccessKey;
///
/// let key = AccessKey::parse("c2VjcmV0Cg==")?;
/// assert_eq!(key.as_bytes(), b"c2VjcmV0Cg==");
/// assert_eq!(format!("{key} {key:?}"), "<redacted> AccessKey(<redacted>)");
/// # Ok::<(), signalr_serverless::EmptyAccessKey>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey(Redacted);

impl AccessKey {
    /// Takes the key as it is written, white space included.
    ///
    /// # Errors
    ///
    /// [`EmptyAccessKey`]: anyone could sign with an empty key.
    pub fn parse(key: &str) -> Result<Self, EmptyAccessKey> {
        if key.is_empty() { Err(EmptyAccessKey) } else { Ok(Self(Redacted(key.into()))) }
    }

    /// The bytes that go into the signature. They are the secret itself: never print them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.0.as_bytes()
    }
}

impl fmt::Display for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// An access key without a single character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access key is empty; copy one from the service's keys")]
pub struct EmptyAccessKey;

/// A Microsoft Entra identity, as `AuthType` and its companions name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntraIdentity {
    /// `AuthType=azure`: whatever identity the surroundings offer.
    Default,
    /// `AuthType=azure.msi`: the managed identity with this client id, or the system's own.
    ManagedIdentity {
        /// The client id of a user-assigned identity.
        client_id: Option<String>,
    },
    /// `AuthType=azure.app`: a registered application.
    Application {
        /// The application's client id.
        client_id: String,
        /// The directory that the application is registered in.
        tenant_id: String,
        /// How the application proves itself.
        proof: ApplicationProof,
    },
    /// Whatever this source's tokens say. No `AuthType` names it;
    /// [`ConnectionString::with_token_source`](crate::ConnectionString::with_token_source) does.
    #[cfg(feature = "entra")]
    TokenSource(SharedTokenSource),
}

/// How a registered application proves itself to Microsoft Entra ID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplicationProof {
    /// `ClientSecret`.
    Secret(ClientSecret),
    /// `ClientCertPath`, also read from `ClientCert`: where the certificate lies.
    CertificatePath(String),
}

/// The secret of a registered application; Debug hides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret(Redacted);

impl ClientSecret {
    pub(crate) fn new(secret: &str) -> Self {
        Self(Redacted(secret.into()))
    }

    /// The secret itself: never print it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

/// Text that no Debug shows and whose comparison leaks no more than its length.
#[derive(Clone)]
struct Redacted(Box<str>);

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl PartialEq for Redacted {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Redacted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_only_when_every_byte_is() {
        let key = AccessKey::parse("abc").unwrap();
        assert_eq!(key, AccessKey::parse("abc").unwrap());
        for other in ["abd", "ab", "abcd", "ABC", " abc"] {
            assert_ne!(key, AccessKey::parse(other).unwrap(), "{other}");
        }
    }

    #[test]
    fn an_empty_key_is_refused() {
        assert_eq!(AccessKey::parse(""), Err(EmptyAccessKey));
    }

    #[test]
    fn no_secret_is_printed() {
        let secret = ClientSecret::new("hunter2");
        let proof = ApplicationProof::Secret(secret);
        let identity = Credential::Entra(EntraIdentity::Application {
            client_id: "app".to_owned(),
            tenant_id: "dir".to_owned(),
            proof,
        });
        let shown = format!("{identity:?} {identity:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
