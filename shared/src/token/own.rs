//! Recognizes tokens that were signed here for clients. When stock clients without their own token
//! reconnect, they send the service's token to the app's negotiate.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

#[cfg(feature = "entra")]
use super::claim;
use crate::access_key::AccessKey;

/// The path of the clients' URLs after the endpoint.
const CLIENT_PATH: &str = "/client/";

/// How to recognize a token that was signed here for clients.
#[derive(Clone, Debug)]
pub(crate) enum OwnTokens {
    /// By this key's signature.
    Signed(AccessKey),
    /// By its claims: the keys that a service gives out change and are not kept. Such a token
    /// proves nothing. A caller with a forged one is treated as a caller without a token.
    #[cfg(feature = "entra")]
    Named {
        /// The prefixes of the audiences.
        endpoints: Vec<String>,
    },
}

impl OwnTokens {
    /// Whether this is such a token. It may have expired.
    pub(crate) fn have(&self, token: &str) -> bool {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return false };
        if !matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
            return false;
        }
        match self {
            Self::Signed(key) => signed_claims(token, header.alg, key)
                .is_some_and(|claims| audience(&claims).contains(CLIENT_PATH)),
            #[cfg(feature = "entra")]
            Self::Named { endpoints } => {
                jsonwebtoken::dangerous::insecure_decode::<Map<String, Value>>(token)
                    .is_ok_and(|token| is_for_clients(&token.claims, endpoints))
            }
        }
    }
}

fn signed_claims(token: &str, algorithm: Algorithm, key: &AccessKey) -> Option<Map<String, Value>> {
    #[cfg(not(feature = "algorithms"))]
    super::access_key_only::install();
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(key.as_bytes());
    Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
}

fn audience(claims: &Map<String, Value>) -> &str {
    claims.get("aud").and_then(Value::as_str).unwrap_or_default()
}

/// Whether the audience is a client URL of one of the endpoints, and there is a claim of the
/// service or no user. An anonymous client's token may have no claim of the service.
#[cfg(feature = "entra")]
fn is_for_clients(claims: &Map<String, Value>, endpoints: &[String]) -> bool {
    let audience = audience(claims);
    let is_ours = endpoints.iter().any(|endpoint| {
        audience.strip_prefix(endpoint.as_str()).is_some_and(|path| path.starts_with(CLIENT_PATH))
    });
    let says = |names: &dyn Fn(&str) -> bool| claims.keys().any(|name| names(name));
    let names_no_user = !says(&|name| [claim::NAME_ID, claim::SUBJECT, "iss"].contains(&name));
    is_ours && (says(&|name| name.starts_with(claim::SERVICE_PREFIX)) || names_no_user)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use serde_json::json;

    use super::*;
    use crate::token::{NegotiateOptions, Token};

    const AUDIENCE: &str = "https://x.net/client/?hub=chat";

    fn key(text: &str) -> AccessKey {
        AccessKey::parse(text).unwrap()
    }

    fn signed(algorithm: Algorithm, key: &str, claims: &Value) -> String {
        let header = jsonwebtoken::Header::new(algorithm);
        let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }

    #[test]
    fn a_token_for_clients_is_known_by_the_keys_signature() {
        let own = OwnTokens::Signed(key("k"));
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let options = NegotiateOptions::default();
        let expired = Token::client(&key("k"), AUDIENCE, &options, long_ago).unwrap();
        assert!(own.have(expired.as_str()));
        assert!(own.have(&signed(Algorithm::HS512, "k", &json!({ "aud": AUDIENCE }))));
        let rest = Duration::from_secs(60);
        let rest = Token::rest(&key("k"), "https://x.net/api/hubs/chat", rest, long_ago).unwrap();
        for other in [
            signed(Algorithm::HS256, "other", &json!({ "aud": AUDIENCE })),
            signed(Algorithm::HS256, "k", &json!({ "sub": "ann" })),
            signed(Algorithm::HS256, "k", &json!({ "aud": [AUDIENCE] })),
            format!("{}x", expired.as_str()),
            rest.as_str().to_owned(),
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert!(!own.have(&other), "{other}");
        }
    }

    #[cfg(feature = "entra")]
    #[test]
    fn without_a_key_it_is_known_by_what_it_says() {
        let own = OwnTokens::Named { endpoints: vec!["https://x.net".to_owned()] };
        let says = |claims: &Value| own.have(&signed(Algorithm::HS256, "handed-out", claims));
        assert!(says(&json!({ "aud": AUDIENCE, "asrs.s.uid": "ann", "sub": "ann" })));
        assert!(says(&json!({ "aud": AUDIENCE, "exp": 1, "role": "reader" })));
        for claims in [
            json!({ "aud": AUDIENCE, "sub": "ann" }),
            json!({ "aud": AUDIENCE, "iss": "https://login.example" }),
            json!({ "aud": "https://x.net.evil.test/client/?hub=chat", "asrs.s.uid": "ann" }),
            json!({ "aud": "https://x.net/api/hubs/chat", "asrs.s.uid": "ann" }),
            json!({ "asrs.s.uid": "ann" }),
        ] {
            assert!(!says(&claims), "{claims}");
        }
    }
}
