//! An OpenID Connect issuer on this machine, with test keys that sign for nobody else.

use std::time::SystemTime;

use axum::{Json, Router, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

/// Test data, made for these tests.
const KEY: &[u8] = include_bytes!("rsa-test-key.der");
/// Test data: a key that the issuer does not publish.
const STRANGER: &[u8] = include_bytes!("rsa-stranger-test-key.der");

pub(crate) const AUDIENCE: &str = "https://signalr.azure.com";

pub(crate) struct Issuer {
    pub(crate) url: String,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tenant", listener.local_addr().unwrap());
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let keys = json!({ "keys": [public_key()] });
        let router = Router::new()
            .route("/tenant/.well-known/openid-configuration", get(async || Json(discovery)))
            .route("/tenant/keys", get(async || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url }
    }

    /// What a good token of a caller with this role says.
    pub(crate) fn claims(&self, role: &str) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        json!({
            "iss": self.url, "aud": AUDIENCE, "roles": ["Other", role],
            "iat": now, "nbf": now, "exp": now + 3600,
        })
    }
}

pub(crate) fn public_key() -> Value {
    let key = EncodingKey::from_rsa_der(KEY);
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap());
    let jwk = jwk.as_mut().unwrap();
    jwk["kid"] = "test".into();
    jwk["use"] = "sig".into();
    jwk.take()
}

pub(crate) fn sign(claims: &Value) -> String {
    sign_as("test", KEY, claims)
}

pub(crate) fn sign_by_stranger(key_id: &str, claims: &Value) -> String {
    sign_as(key_id, STRANGER, claims)
}

fn sign_as(key_id: &str, key: &[u8], claims: &Value) -> String {
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::RS256) };
    encode(&header, claims, &EncodingKey::from_rsa_der(key)).unwrap()
}
