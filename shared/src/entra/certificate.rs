//! A registered application that proves itself by a certificate. The certificate's key signs a
//! statement.
//!
//! Azure's own credential for certificates needs OpenSSL. This module makes only the statement, and
//! Azure's credential for statements sends it. Source:
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use azure_core::{Uuid, error::ErrorKind, http::ClientMethodOptions};
use azure_identity::ClientAssertion;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::{pkcs1::ALGORITHM_OID, pkcs8::PrivateKeyInfo};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

/// How long a statement is valid. Source: Azure's SDK.
const LIFETIME: Duration = Duration::from_mins(10);

/// Signs statements with the key of a certificate.
pub(super) struct CertificateAssertion {
    key: EncodingKey,
    header: Header,
    client_id: String,
    /// The audience of statements.
    token_endpoint: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: u64,
    exp: u64,
}

impl CertificateAssertion {
    /// Reads a PEM file of an RSA key and its certificate.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub(super) fn from_file(
        path: &str,
        client_id: &str,
        tenant_id: &str,
        authority: &Url,
    ) -> Result<Self, String> {
        let pem = signalr_small_file::read(path.as_ref())
            .map_err(|error| format!("the certificate '{path}' cannot be read: {error}"))?;
        Self::from_pem(&pem, client_id, tenant_id, authority)
            .map_err(|problem| format!("the certificate '{path}' {problem}"))
    }

    fn from_pem(
        pem: &[u8],
        client_id: &str,
        tenant_id: &str,
        authority: &Url,
    ) -> Result<Self, &'static str> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(
            |_| "is not a PEM file with a private key; make one of a .pfx with `openssl pkcs12 -nodes`",
        )?;
        let signing = encoding_key(&key).ok_or("has a private key that is not RSA; use one")?;
        let certificate = certificate_of(&key, pem)
            .ok_or("has no certificate of its private key; put both into the file")?;
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
        // Azure's credential makes the URL that it calls in the same way.
        let token_endpoint = authority
            .join(&format!("/{tenant_id}/oauth2/v2.0/token"))
            .map_err(|_| "cannot be used with this tenant")?;
        Ok(Self {
            key: signing,
            header: Header { x5t_s256: Some(thumbprint), ..Header::new(Algorithm::PS256) },
            client_id: client_id.to_owned(),
            token_endpoint: token_endpoint.into(),
        })
    }

    fn sign(&self, now: SystemTime) -> Result<String, jsonwebtoken::errors::Error> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            aud: &self.token_endpoint,
            iss: &self.client_id,
            sub: &self.client_id,
            jti: Uuid::new_v4().to_string(),
            nbf: now,
            exp: now + LIFETIME.as_secs(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
    }
}

/// Finds the certificate of this key among the certificates of its authorities.
fn certificate_of(key: &PrivateKeyDer<'_>, pem: &[u8]) -> Option<CertificateDer<'static>> {
    let key = ring::sign::any_supported_type(key).ok()?;
    let mut certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    certificates.find(|certificate| {
        let pair = CertifiedKey::new(vec![certificate.clone()], Arc::clone(&key));
        pair.keys_match().is_ok()
    })
}

/// The key in PKCS #1, the form that the library for tokens accepts.
fn encoding_key(key: &PrivateKeyDer<'_>) -> Option<EncodingKey> {
    match key {
        PrivateKeyDer::Pkcs1(der) => Some(EncodingKey::from_rsa_der(der.secret_pkcs1_der())),
        PrivateKeyDer::Pkcs8(der) => {
            let info = PrivateKeyInfo::try_from(der.secret_pkcs8_der()).ok()?;
            (info.algorithm.oid == ALGORITHM_OID)
                .then(|| EncodingKey::from_rsa_der(info.private_key))
        }
        _ => None,
    }
}

#[async_trait]
impl ClientAssertion for CertificateAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.sign(SystemTime::now())
            .map_err(|error| azure_core::Error::new(ErrorKind::Credential, error))
    }
}

impl fmt::Debug for CertificateAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAssertion")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use rsa::{
        RsaPrivateKey,
        pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey},
    };
    use serde_json::Value;

    use super::*;

    /// Test data, made for these tests: one key in two forms, and one that is not RSA.
    const PKCS8: &[u8] = include_bytes!("test-data/application.pem");
    const PKCS1: &[u8] = include_bytes!("test-data/application-pkcs1.pem");
    const ELLIPTIC: &[u8] = include_bytes!("test-data/application-ec.pem");
    /// A certificate of another key.
    const STRANGER: &str = include_str!("test-data/stranger.pem");

    fn assertion(pem: &[u8]) -> Result<CertificateAssertion, &'static str> {
        let authority = Url::parse("https://login.example/left/out").unwrap();
        CertificateAssertion::from_pem(pem, "app", "dir", &authority)
    }

    #[test]
    fn the_statement_is_signed_by_the_certificates_key() {
        let PrivateKeyDer::Pkcs1(der) = PrivateKeyDer::from_pem_slice(PKCS1).unwrap() else {
            panic!("not PKCS #1")
        };
        let key = RsaPrivateKey::from_pkcs1_der(der.secret_pkcs1_der()).unwrap();
        let key = key.to_public_key().to_pkcs1_der().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        let with_chain = format!("{STRANGER}{}", String::from_utf8_lossy(PKCS8));
        let certificate = CertificateDer::from_pem_slice(PKCS8).unwrap();
        for pem in [PKCS8, PKCS1, with_chain.as_bytes()] {
            let statement = assertion(pem).unwrap().sign(now).unwrap();
            let mut validation = Validation::new(Algorithm::PS256);
            validation.set_audience(&["https://login.example/dir/oauth2/v2.0/token"]);
            let key = DecodingKey::from_rsa_der(key.as_bytes());
            let read = jsonwebtoken::decode::<Value>(&statement, &key, &validation).unwrap();
            let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
            assert_eq!(read.header.x5t_s256, Some(thumbprint));
            assert_eq!((&read.claims["iss"], &read.claims["sub"]), (&"app".into(), &"app".into()));
            assert_eq!(read.claims["exp"], 4_000_000_600_u64);
        }
    }

    #[test]
    fn each_statement_has_an_id_of_its_own() {
        let assertion = assertion(PKCS8).unwrap();
        assert_ne!(assertion.sign(UNIX_EPOCH).unwrap(), assertion.sign(UNIX_EPOCH).unwrap());
        assert_eq!(format!("{assertion:?}"), "CertificateAssertion { client_id: \"app\", .. }");
    }

    #[test]
    fn a_file_that_will_not_do_is_told() {
        let text = String::from_utf8(PKCS8.to_vec()).unwrap();
        let (key, certificate) = text.split_once("-----BEGIN CERTIFICATE").unwrap();
        for (pem, part) in [
            (&b"\x30\x82pfx"[..], "openssl pkcs12"),
            (b"", "openssl pkcs12"),
            (key.as_bytes(), "no certificate of its private key"),
            (format!("-----BEGIN CERTIFICATE{certificate}").as_bytes(), "openssl pkcs12"),
            (ELLIPTIC, "not RSA"),
            (format!("{key}{STRANGER}").as_bytes(), "no certificate of its private key"),
        ] {
            let problem = assertion(pem).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
        let authority = Url::parse("https://x").unwrap();
        let missing = CertificateAssertion::from_file("/nowhere.pem", "app", "dir", &authority);
        assert!(missing.unwrap_err().starts_with("the certificate '/nowhere.pem' cannot be read"));
        let device = CertificateAssertion::from_file("/dev/zero", "app", "dir", &authority);
        let problem = device.unwrap_err();
        assert!(problem.starts_with("the certificate '/dev/zero' cannot be read: it is a device"));
    }
}
