//! The access key of a service, which signs tokens and upstream calls.

use std::fmt;

use crate::redacted::Redacted;

/// The key that signs and checks tokens.
///
/// Its bytes are the UTF-8 bytes of the text: the service never decodes base64 here. Debug and
/// Display hide it. Comparing two keys takes the same time at whatever byte they differ.
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
        if key.is_empty() { Err(EmptyAccessKey) } else { Ok(Self(Redacted::new(key))) }
    }

    /// The bytes that go into the signature. They are the secret itself: never print them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_str().as_bytes()
    }
}

impl fmt::Display for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The error for an empty access key.
///
/// ```
/// use signalr_serverless::{AccessKey, EmptyAccessKey};
///
/// assert_eq!(AccessKey::parse("").unwrap_err(), EmptyAccessKey);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access key is empty; copy one from the service's keys")]
pub struct EmptyAccessKey;

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
}
