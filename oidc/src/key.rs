//! The keys of an issuer that may sign, and their algorithms.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};

/// The algorithms that prove who signed: those with a private and a public key. With the other
/// algorithms everyone who can check a token can also make one.
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The shortest RSA modulus, in bytes. Source: RFC 7518, section 3.3.
const MIN_RSA: usize = 256;

/// A public key of the issuer.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// The one issuer that the key signs for, if several issuers share a document of keys. Microsoft
    /// Entra's tenants do.
    pub(super) issuer: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    /// Parses a key. `None` if it may not sign tokens or has an unknown form.
    pub(super) fn parse(jwk: &Jwk, issuer: Option<String>) -> Option<Self> {
        if !may_sign(jwk) {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm);
        if let Some(named) = jwk.common.key_algorithm {
            let named = Algorithm::try_from(named).ok();
            algorithms.retain(|algorithm| Some(*algorithm) == named);
        }
        if algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: jwk.common.key_id.clone(), issuer, algorithms, decoding })
    }

    pub(super) fn signs(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish()
    }
}

fn may_sign(jwk: &Jwk) -> bool {
    let by_use = jwk.common.public_key_use.as_ref();
    let by_operations = jwk.common.key_operations.as_ref();
    by_use.is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && by_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

/// The algorithms that a key of this kind can sign with. Empty if the key is a secret or of an
/// unknown kind.
fn algorithms(parameters: &AlgorithmParameters) -> Vec<Algorithm> {
    match parameters {
        AlgorithmParameters::RSA(key) if is_long(&key.n) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => Vec::new(),
    }
}

/// Whether a base64url modulus has at least [`MIN_RSA`] bytes.
fn is_long(modulus: &str) -> bool {
    modulus.trim_end_matches('=').len() * 3 / 4 >= MIN_RSA
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(jwk: &Value) -> Option<Vec<Algorithm>> {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
        Key::parse(&jwk, None).map(|key| key.algorithms)
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn a_key_signs_with_what_its_kind_and_its_own_words_allow() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" });
        let rsa = json!({ "kty": "RSA", "n": "A".repeat(342), "e": "AQAB" });
        assert_eq!(parse(&ec), Some(vec![Algorithm::ES256]));
        assert_eq!(parse(&rsa).map(|algorithms| algorithms.len()), Some(6));
        assert_eq!(parse(&with(rsa.clone(), "alg", "PS384".into())), Some(vec![Algorithm::PS384]));
        assert!(parse(&with(ec.clone(), "key_ops", json!(["verify"]))).is_some());
        for bad in [
            with(rsa.clone(), "alg", "HS256".into()),
            with(rsa.clone(), "alg", "RSA-OAEP".into()),
            with(rsa.clone(), "alg", "ES256".into()),
            with(rsa.clone(), "use", "enc".into()),
            with(rsa.clone(), "n", "A".repeat(170).into()),
            with(ec.clone(), "key_ops", json!(["encrypt"])),
            with(ec.clone(), "crv", "secp256k1".into()),
            with(ec, "x", "%".into()),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "RS256" }),
            json!({ "kty": "new" }),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
