//! An issuer on this machine, whose keys and documents can be changed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::Uri,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use tokio::sync::{Notify, RwLock};

use super::{LIMIT, NOW};
use crate::{Issuer, Verifier};

/// A key that signs, and the form in which its issuer publishes it.
pub(super) struct Signer {
    algorithm: Algorithm,
    pub(super) id: &'static str,
    key: EncodingKey,
}

impl Signer {
    pub(super) fn ed(id: &'static str) -> Self {
        // The bytes that PKCS #8 puts in front of an Ed25519 seed.
        const HEAD: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        let seed: [u8; 32] = ring::rand::generate(&SystemRandom::new()).unwrap().expose();
        let der = [HEAD, &seed].concat();
        Self { algorithm: Algorithm::EdDSA, id, key: EncodingKey::from_ed_der(&der) }
    }

    pub(super) fn ec(id: &'static str) -> Self {
        let random = ring::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self { algorithm: Algorithm::ES256, id, key: EncodingKey::from_ec_der(der.as_ref()) }
    }

    pub(super) fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(Some(self.id), claims)
    }

    /// Signs any payload, even one that is not claims.
    pub(super) fn sign_payload(&self, payload: &str) -> String {
        let header = json!({ "alg": self.algorithm, "kid": self.id });
        let message = format!("{}.{payload}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub(super) fn sign_as(&self, id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// An issuer whose documents can be changed, and whose calls are counted.
pub(super) struct TestIssuer {
    pub(super) url: String,
    pub(super) discovery: Arc<Mutex<Value>>,
    pub(super) keys: Arc<Mutex<Value>>,
    pub(super) fetches: Arc<AtomicUsize>,
    pub(super) hangs: Arc<AtomicBool>,
    pub(super) answers_html: Arc<Mutex<bool>>,
    /// Notifies the test that a call has come.
    pub(super) asked: Arc<Notify>,
    /// A test delays the answers while it holds this for writing.
    pub(super) gate: Arc<RwLock<()>>,
}

/// Lets a time pass in which the issuer does not answer.
async fn hang() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(LIMIT)).await;
    tokio::time::resume();
    std::future::pending().await
}

impl TestIssuer {
    pub(super) async fn start(keys: &[Value]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tenant", listener.local_addr().unwrap());
        let discovery =
            Arc::new(Mutex::new(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })));
        let keys = Arc::new(Mutex::new(json!({ "keys": keys })));
        let fetches = Arc::new(AtomicUsize::new(0));
        let hangs = Arc::new(AtomicBool::new(false));
        let (asked, gate) = (Arc::new(Notify::new()), Arc::new(RwLock::new(())));
        let served =
            (Arc::clone(&discovery), Arc::clone(&keys), Arc::clone(&fetches), Arc::clone(&hangs));
        let answers_html = Arc::new(Mutex::new(false));
        let html = Arc::clone(&answers_html);
        let (was_asked, gates) = (Arc::clone(&asked), Arc::clone(&gate));
        let router = Router::new().fallback(move |uri: Uri| async move {
            served.2.fetch_add(1, Ordering::SeqCst);
            if served.3.load(Ordering::SeqCst) {
                hang().await;
            }
            was_asked.notify_one();
            drop(gates.read().await);
            if *html.lock().unwrap() {
                return Response::new("<!doctype html><title>Sign in</title>".into());
            }
            let document = match uri.path() {
                "/tenant/.well-known/openid-configuration" => &served.0,
                "/tenant/keys" => &served.1,
                _ => return axum::http::StatusCode::NOT_FOUND.into_response(),
            };
            let document = document.lock().unwrap().to_string();
            Response::new(document.into())
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, discovery, keys, fetches, hangs, answers_html, asked, gate }
    }

    pub(super) fn verifier(&self) -> Verifier {
        self.verifier_of(Issuer::parse(&self.url).unwrap())
    }

    pub(super) fn verifier_of(&self, issuer: Issuer) -> Verifier {
        let audiences = ["chat", "news"].map(str::to_owned).to_vec();
        let http = signalr_http_client::client(&signalr_http_client::Trust::default()).unwrap();
        Verifier::new(issuer, audiences, http)
    }

    pub(super) fn claims(&self) -> Value {
        json!({ "iss": self.url, "aud": "chat", "sub": "ann", "iat": NOW, "exp": NOW + 300 })
    }

    pub(super) fn with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = json!({ "keys": keys });
    }

    pub(super) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}
