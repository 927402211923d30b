//! The two files, and the TLS configuration that they make.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::TlsError;

/// The paths of the certificates and of the key.
#[derive(Clone, Debug)]
pub(super) struct Files {
    certificates: PathBuf,
    key: PathBuf,
}

/// The content of both files. The key is a secret.
#[derive(PartialEq, Eq)]
pub(super) struct Contents {
    files: (String, String),
    certificates: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    pub(super) fn new(certificates: &Path, key: &Path) -> Self {
        Self { certificates: certificates.to_owned(), key: key.to_owned() }
    }

    pub(super) fn read(&self) -> Result<Contents, TlsError> {
        let name = |path: &Path| path.display().to_string();
        let read = |path: &Path| {
            let unreadable = |cause: io::Error| TlsError::Unreadable { file: name(path), cause };
            signalr_small_file::read(path).map_err(unreadable)
        };
        Ok(Contents {
            files: (name(&self.certificates), name(&self.key)),
            certificates: read(&self.certificates)?,
            key: read(&self.key)?,
        })
    }
}

impl Contents {
    /// The TLS configuration with these certificates and this key.
    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let pair = self.pair()?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A client that comes back sends its session in a ticket, so the server need not keep sessions.
        config.ticketer = ring::Ticketer::new().map_err(TlsError::Setup)?;
        Ok(Arc::new(config))
    }

    fn pair(&self) -> Result<CertifiedKey, TlsError> {
        let (of_certificates, of_key) = (self.files.0.clone(), self.files.1.clone());
        let chain = CertificateDer::pem_slice_iter(without_mark(&self.certificates))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| TlsError::Malformed { file: of_certificates.clone(), problem })?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate { file: of_certificates });
        }
        let key = match PrivateKeyDer::from_pem_slice(without_mark(&self.key)) {
            Ok(key) => key,
            Err(pem::Error::NoItemsFound) => return Err(TlsError::NoKey { file: of_key }),
            Err(problem) => return Err(TlsError::Malformed { file: of_key, problem }),
        };
        let key = ring::sign::any_supported_type(&key)
            .map_err(|problem| TlsError::BadKey { file: of_key.clone(), problem })?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(TlsError::OtherKey { key: of_key, certificates: of_certificates })
            }
            Err(problem) => Err(TlsError::BadCertificate { file: of_certificates, problem }),
        }
    }
}

/// Removes the byte order mark that some editors write at the start.
fn without_mark(pem: &[u8]) -> &[u8] {
    pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

    use super::*;

    fn certificate() -> CertifiedKey<KeyPair> {
        generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    fn contents(certificates: &str, key: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        fs::write(&one, certificates).unwrap();
        fs::write(&other, key).unwrap();
        let read = Files::new(&one, &other).read().unwrap();
        read.config().map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_chain_and_its_first_certificates_key_are_good_with_other_things_around() {
        let (own, above) = (certificate(), certificate());
        let (pem, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let chain = format!("\u{feff}subject=localhost\n{pem}\n{}", above.cert.pem());
        assert_eq!(contents(&chain, &key), Ok(()));
        let both = format!("{key}{pem}");
        assert_eq!(contents(&both, &both), Ok(()));
    }

    #[test]
    fn files_that_will_not_do_are_named_with_what_would() {
        let (own, other) = (certificate(), certificate());
        let (pem, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let cut = pem.split("-----END").next().unwrap();
        let locked = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (certificates, key, file, text) in [
            ("", key.as_str(), "cert.pem", "has no certificate in PEM"),
            (&key, &key, "cert.pem", "has no certificate in PEM"),
            (cut, &key, "cert.pem", "is not a PEM file"),
            (no_certificate, &key, "cert.pem", "cannot be used"),
            (&pem, "", "key.pem", "has no private key in PEM"),
            (&pem, &locked, "key.pem", "without a passphrase"),
            (&pem, no_key, "key.pem", "cannot be used"),
            (&other.cert.pem(), &key, "key.pem", "does not belong to the first certificate"),
        ] {
            let error = contents(certificates, key).unwrap_err();
            assert!(error.contains(file) && error.contains(text), "{text}: {error}");
        }
        let error = Files::new("/no/cert.pem".as_ref(), "/no/key.pem".as_ref()).read();
        let error = error.err().unwrap().to_string();
        assert!(error.starts_with("'/no/cert.pem' cannot be read: "), "{error}");
        let error = Files::new("/dev/zero".as_ref(), "/dev/zero".as_ref()).read();
        let error = error.err().unwrap().to_string();
        assert!(error.starts_with("'/dev/zero' cannot be read: it is a device; "), "{error}");
    }
}
