//! The key that the service gives out for signing client tokens.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, de};

use crate::{
    access_key::AccessKey,
    error::Error,
    token::{NegotiateOptions, Token},
};

/// A key that signs client tokens, and its id.
///
/// ```
/// # fn example(signing_key: signalr_serverless::rest::SigningKey)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::SystemTime;
/// use signalr_serverless::NegotiateOptions;
///
/// let audience = "https://x.service.signalr.net/client/?hub=chat";
/// let options = NegotiateOptions::default();
/// let token = signing_key.client_token(audience, &options, SystemTime::now())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SigningKey {
    /// The key. It is a secret, which Debug hides.
    #[serde(rename = "AccessKey", deserialize_with = "access_key")]
    pub key: AccessKey,
    /// The key's id.
    #[serde(rename = "KeyId")]
    pub id: String,
}

impl SigningKey {
    /// Signs a token that lets a client connect, as [`Token::client`] does. The token's header
    /// (`kid`) names the key.
    ///
    /// # Errors
    ///
    /// The errors of [`Token::client`].
    pub fn client_token(
        &self,
        audience: &str,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<Token, Error> {
        Token::client_by(&self.key, Some(&self.id), audience, options, now)
    }
}

fn access_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessKey, D::Error> {
    let key = String::deserialize(deserializer)?;
    AccessKey::parse(&key).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<SigningKey, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_key_is_read_and_never_shown() {
        let signing_key = parse(r#"{"AccessKey":"hunter2","KeyId":"1"}"#).unwrap();
        assert_eq!(signing_key.key.as_bytes(), b"hunter2");
        assert!(!format!("{signing_key:?}").contains("hunter2"));
    }

    #[test]
    fn an_empty_or_missing_key_is_refused() {
        for (json, problem) in [
            (r#"{"AccessKey":"","KeyId":"1"}"#, "is empty"),
            (r#"{"KeyId":"1"}"#, "missing field `AccessKey`"),
            (r#"{"AccessKey":"hunter2"}"#, "missing field `KeyId`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(problem) && !error.contains("hunter2"), "{error}");
        }
    }
}
