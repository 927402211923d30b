//! The authorities that are trusted for the certificates of servers.

use std::{fmt, io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The authorities that are trusted for the certificates of servers. By default they are Mozilla's,
/// which are compiled in, so no file is read at the start.
///
/// ```no_run
/// use signalr_http_client::Trust;
///
/// let own = Trust::from_file("/etc/ssl/our-authority.pem".as_ref())?;
/// # Ok::<(), signalr_http_client::TrustError>(())
/// ```
#[derive(Clone, Default)]
pub struct Trust(Option<Arc<RootCertStore>>);

/// Why a file of authorities cannot be used. The text names the file and says what is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file cannot be read.
    #[error("'{file}' cannot be read: {cause}")]
    Unreadable {
        /// The path.
        file: String,
        /// The error of the operating system, or the reason why the file is not read.
        #[source]
        cause: io::Error,
    },
    /// The file is not PEM.
    #[error("'{file}' is not a file of certificates in PEM: {problem}")]
    Malformed {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::pki_types::pem::Error,
    },
    /// The file has no certificate that can be used.
    #[error(
        "'{file}' has no certificate that can be used; write the authority's certificate into it, in PEM"
    )]
    Empty {
        /// The path.
        file: String,
    },
}

impl Trust {
    /// The authorities of a PEM file, and no others.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub fn from_file(path: &Path) -> Result<Self, TrustError> {
        let file = || path.display().to_string();
        let pem = signalr_small_file::read(path)
            .map_err(|cause| TrustError::Unreadable { file: file(), cause })?;
        let roots =
            authorities(&pem).map_err(|problem| TrustError::Malformed { file: file(), problem })?;
        if roots.is_empty() {
            return Err(TrustError::Empty { file: file() });
        }
        Ok(Self(Some(Arc::new(roots))))
    }

    /// The TLS configuration for connections that are not HTTP calls.
    ///
    /// # Errors
    ///
    /// The error of the TLS library.
    pub fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let roots = match &self.0 {
            Some(own) => Arc::clone(own),
            None => Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

/// The certificates of a PEM file. Certificates in an outdated form, which files of operating
/// systems may have, are left out.
fn authorities(pem: &[u8]) -> Result<RootCertStore, rustls::pki_types::pem::Error> {
    // Some editors write a byte order mark at the start.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    Ok(roots)
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(own) => write!(f, "Trust({} of a file)", own.len()),
            None => f.write_str("Trust(Mozilla's)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    /// A certificate that was made for these tests.
    const AUTHORITY: &str = include_str!("test-data/authority.pem");

    fn trust(pem: &str) -> Result<String, String> {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(pem.as_bytes()).unwrap();
        let trust = Trust::from_file(file.path()).map_err(|error| error.to_string())?;
        assert!(trust.tls().is_ok());
        Ok(format!("{trust:?}"))
    }

    #[test]
    fn all_certificates_of_a_file_are_trusted_and_other_things_passed_over() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let old = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let file = format!("a comment\n{AUTHORITY}\n{key}{old}{AUTHORITY}");
        assert_eq!(trust(&file).unwrap(), "Trust(2 of a file)");
        assert_eq!(trust(&format!("\u{feff}{AUTHORITY}")).unwrap(), "Trust(1 of a file)");
        assert_eq!(format!("{:?}", Trust::default()), "Trust(Mozilla's)");
    }

    #[test]
    fn a_file_that_will_not_do_is_told() {
        let not_base64 = AUTHORITY.replace('M', "*");
        let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (pem, part) in [
            ("", "has no certificate"),
            ("\u{30}\u{7f} DER", "has no certificate"),
            (&not_base64, "is not a file of certificates in PEM"),
            (not_der, "has no certificate"),
            (AUTHORITY.split("-----END").next().unwrap(), "is not a file of certificates in PEM"),
        ] {
            let error = trust(pem).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let error = Trust::from_file("/nowhere.pem".as_ref()).unwrap_err().to_string();
        assert!(error.starts_with("'/nowhere.pem' cannot be read: "), "{error}");
        let error = Trust::from_file("/dev/zero".as_ref()).unwrap_err().to_string();
        assert!(error.starts_with("'/dev/zero' cannot be read: it is a device; "), "{error}");
    }
}
