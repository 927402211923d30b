//! The key that the service hands out for signing client tokens.

use std::fmt;

use jsonwebtoken::DecodingKey;

use crate::transport::tokens::random_id;

/// A key that is made anew each time the service starts. It signs client tokens, and nothing else.
pub(crate) struct ClientKey {
    id: String,
    secret: String,
}

impl ClientKey {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        // 256 bits, as HS256 wants them.
        Ok(Self { id: random_id()?, secret: format!("{}{}", random_id()?, random_id()?) })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn decoding_key(&self) -> DecodingKey {
        DecodingKey::from_secret(self.secret.as_bytes())
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("id", &self.id).finish_non_exhaustive()
    }
}
