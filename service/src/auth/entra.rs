//! Callers with a Microsoft Entra identity: the issuer of their tokens, and the roles that tokens
//! must have.

use std::time::SystemTime;

use jsonwebtoken::Algorithm;
use signalr_oidc::{Issuer, IssuerError, Rejection, Verifier};

use super::{
    error::AuthError,
    role::{Roles, has_role},
};

/// A Microsoft Entra issuer. REST callers may use its tokens instead of tokens signed with the
/// access key.
///
/// The issuer's keys are found by OpenID Connect discovery. A token must be for the audience, and
/// its claim `roles` must contain `SignalR App Server` or `SignalR Service Owner`.
///
/// ```
/// use signalr_service::{Config, EntraIssuer};
///
/// let issuer = EntraIssuer::parse("https://login.microsoftonline.com/my-tenant/v2.0")?;
/// let config = Config { entra: Some(issuer), ..Config::default() };
/// # Ok::<(), signalr_service::EntraIssuerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraIssuer {
    issuer: Issuer,
    audience: String,
}

/// The error for an issuer that cannot be used: what came and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct EntraIssuerError(IssuerError);

impl EntraIssuer {
    /// The audience of tokens for Azure's service.
    pub const DEFAULT_AUDIENCE: &str = "https://signalr.azure.com";

    /// Parses the issuer's URL: https, or http on this machine.
    ///
    /// # Errors
    ///
    /// [`EntraIssuerError`].
    pub fn parse(url: &str) -> Result<Self, EntraIssuerError> {
        let issuer = Issuer::parse(url).map_err(EntraIssuerError)?;
        Ok(Self { issuer, audience: Self::DEFAULT_AUDIENCE.to_owned() })
    }

    /// Sets the audience that tokens must have; [`EntraIssuer::DEFAULT_AUDIENCE`] by default.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }
}

/// Checks tokens of the issuer.
#[derive(Clone, Debug)]
pub(super) struct EntraVerifier(Verifier);

impl EntraVerifier {
    pub(super) fn new(issuer: EntraIssuer, http: reqwest::Client) -> Self {
        let plain = issuer.audience.trim_end_matches('/').to_owned();
        // The audience of old Azure tokens ends in a `/`.
        let audiences = vec![format!("{plain}/"), plain];
        Self(Verifier::new(issuer.issuer, audiences, http))
    }

    pub(super) async fn verify(&self, token: &str, now: SystemTime) -> Result<(), AuthError> {
        let claims = self.0.check(token, now).await.map_err(|rejection| match rejection {
            Rejection::Token(problem) => AuthError::BadEntraToken(problem),
            Rejection::Keys(problem) => AuthError::NoEntraKeys(problem),
        })?;
        if has_role(&claims) { Ok(()) } else { Err(AuthError::NoRole(Roles)) }
    }
}

/// Whether a token can only be from the issuer: an access key signs with HMAC.
pub(super) fn is_entra(token: &str) -> bool {
    let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    jsonwebtoken::decode_header(token).is_ok_and(|header| !hmac.contains(&header.alg))
}
