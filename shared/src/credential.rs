//! The credential of a caller: an access key or a Microsoft Entra identity.

#[cfg(feature = "entra")]
use crate::token_source::SharedTokenSource;
use crate::{access_key::AccessKey, redacted::Redacted};

/// The credential of a connection string, which proves to the service who calls.
///
/// ```
/// use signalr_serverless::{ConnectionString, Credential};
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AccessKey=key")?;
/// assert!(matches!(service.credential(), Credential::AccessKey(_)));
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Tokens are signed with this key.
    AccessKey(AccessKey),
    /// Tokens come from Microsoft Entra ID.
    Entra(EntraIdentity),
}

/// A Microsoft Entra identity. `AuthType` and the keys that belong to it name it.
///
/// ```
/// use signalr_serverless::{ConnectionString, Credential, EntraIdentity};
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AuthType=azure.msi")?;
/// let system = EntraIdentity::ManagedIdentity { client_id: None };
/// assert_eq!(service.credential(), &Credential::Entra(system));
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntraIdentity {
    /// `AuthType=azure`: the first identity that the environment offers.
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
    /// The identity in this source's tokens. No `AuthType` names it;
    /// [`ConnectionString::with_token_source`](crate::ConnectionString::with_token_source) does.
    #[cfg(feature = "entra")]
    TokenSource(SharedTokenSource),
}

/// How a registered application proves itself to Microsoft Entra ID.
///
/// ```
/// use signalr_serverless::{ApplicationProof, ConnectionString, Credential, EntraIdentity};
///
/// let service = ConnectionString::parse(
///     "Endpoint=https://x.service.signalr.net;AuthType=azure.app;ClientId=a;TenantId=b;ClientSecret=c",
/// )?;
/// let Credential::Entra(EntraIdentity::Application { proof, .. }) = service.credential() else { panic!() };
/// assert!(matches!(proof, ApplicationProof::Secret(_)));
/// # Ok::<(), signalr_serverless::ConnectionStringError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplicationProof {
    /// `ClientSecret`.
    Secret(ClientSecret),
    /// `ClientCertPath`, also read from `ClientCert`: the path of the certificate.
    CertificatePath(String),
}

/// The secret of a registered application. Debug hides it. [`ApplicationProof`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret(Redacted);

impl ClientSecret {
    pub(crate) fn new(secret: &str) -> Self {
        Self(Redacted::new(secret))
    }

    /// The secret itself: never print it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
