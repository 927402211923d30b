//! Tokens: the signed proof that a client may connect or a REST call may be made.
//!
//! JSON Web Tokens with HS256 over the UTF-8 bytes of the access key. The header has a `kid` only
//! if the service gave the key an id. With access keys the service tries all its keys, and an id
//! made from a key would reveal something about it.
//!
//! [`Token`] has an example.

#[cfg(not(feature = "algorithms"))]
mod access_key_only;
pub mod claim;
mod claims;
mod options;
mod own;
mod payload;
mod user_claims;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

pub(crate) use self::own::OwnTokens;
use self::payload::{Payload, Validity};
pub use self::{
    claims::{Claims, first_text},
    options::NegotiateOptions,
};
use crate::{access_key::AccessKey, error::Error};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

/// The longest client token that the service accepts, in characters. Source: Azure's SDK.
const MAX_CLIENT_TOKEN: usize = 4096;

/// A signed token. Debug hides it, because everyone who has the token can use it.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use signalr_serverless::{AccessKey, Token};
///
/// let key = AccessKey::parse("key")?;
/// let url = "https://x.service.signalr.net/api/hubs/chat/:send";
/// let token = Token::rest(&key, url, Duration::from_secs(60), SystemTime::now())?;
/// assert_eq!(format!("{token:?}"), "Token(<redacted>)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Signs a token that lets a client connect.
    ///
    /// The audience is the client endpoint of the service under its own name:
    /// `https://{host}/client/?hub={hub}`. The user's claims come
    /// first, then the service's, then `nbf`, `exp`, `iat` and `aud`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if an option is out of its range or a claim has a name of the
    /// service, and [`Error::TokenTooLong`] if the token has more than 4,096 characters.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use signalr_serverless::{AccessKey, NegotiateOptions, Token, UserId};
    ///
    /// let options = NegotiateOptions::default().with_user_id(UserId::parse("ann")?);
    /// let audience = "https://x.service.signalr.net/client/?hub=chat";
    /// let token = Token::client(&AccessKey::parse("key")?, audience, &options, SystemTime::now())?;
    /// assert_eq!(token.as_str().split('.').count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client(
        key: &AccessKey,
        audience: &str,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<Self, Error> {
        Self::client_by(key, None, audience, options, now)
    }

    /// Signs a token that lets a client connect, with a key that has an id.
    pub(crate) fn client_by(
        key: &AccessKey,
        key_id: Option<&str>,
        audience: &str,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let validity = Validity::new(options.lifetime, now)?;
        let mut claims = user_claims::collect(&options.claims)?;
        claims.extend(options.service_claims(validity.end)?);
        claims.extend(validity.claims(audience));
        let token = Self::sign(key, key_id, &Payload(claims));
        match token.0.len() {
            0..=MAX_CLIENT_TOKEN => Ok(token),
            size => Err(Error::TokenTooLong { size }),
        }
    }

    /// Signs a token for REST calls to one URL.
    ///
    /// The audience is the URL of the call without its query and without a `/` at the end. The
    /// token's length has no limit here, because long names need long URLs.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if the lifetime is less than a second or ends after the year 9999.
    pub fn rest(
        key: &AccessKey,
        audience: &str,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Self, Error> {
        let validity = Validity::new(lifetime, now)?;
        Ok(Self::sign(key, None, &Payload(validity.claims(audience).into())))
    }

    /// Wraps a token of another issuer, such as Microsoft Entra. Its claims are not read.
    ///
    /// ```
    /// use signalr_serverless::Token;
    ///
    /// assert_eq!(Token::parse("a.b.c")?.as_str(), "a.b.c");
    /// # Ok::<(), signalr_serverless::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValue`] if the token is not valid in an Authorization header.
    pub fn parse(token: &str) -> Result<Self, Error> {
        // Source: RFC 6750, section 2.1.
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if !token.is_empty() && token.chars().all(is_letter) {
            return Ok(Self(token.to_owned()));
        }
        Err(Error::InvalidValue {
            what: "token",
            problem: "is empty or has characters that no token has (it is not shown)".to_owned(),
            remedy: "use letters, digits and -._~+/= only",
        })
    }

    /// A token that a service issued.
    #[cfg(feature = "rest")]
    pub(crate) fn issued(token: String) -> Self {
        Self(token)
    }

    /// The token as text, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn sign(key: &AccessKey, key_id: Option<&str>, payload: &Payload<'_>) -> Self {
        #[cfg(not(feature = "algorithms"))]
        access_key_only::install();
        let key_id = key_id.map(str::to_owned);
        let header = Header { kid: key_id, ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(key.as_bytes());
        #[expect(
            clippy::expect_used,
            reason = "text and JSON values always serialise, and HMAC takes keys of any length"
        )]
        let token = jsonwebtoken::encode(&header, payload, &key).expect("signing cannot fail");
        Self(token)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(<redacted>)")
    }
}

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
