//! Why a certificate or its key cannot be used.

use std::io;

/// A file of certificates or of a key cannot be used. The text names the file, the problem and the
/// remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("'{file}' cannot be read: {cause}")]
    Unreadable {
        /// The path.
        file: String,
        /// The error of the operating system, or the reason why the file is not read.
        #[source]
        cause: io::Error,
    },
    /// A file is not PEM.
    #[error("'{file}' is not a PEM file: {problem}")]
    Malformed {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::pki_types::pem::Error,
    },
    /// A file has no certificate.
    #[error(
        "'{file}' has no certificate in PEM ('-----BEGIN CERTIFICATE-----'); write the server's \
         certificate into it, followed by the certificates that lead to an authority"
    )]
    NoCertificate {
        /// The path.
        file: String,
    },
    /// The first certificate is not valid.
    #[error(
        "the first certificate of '{file}' cannot be used: {problem}; write the server's certificate \
         into the file"
    )]
    BadCertificate {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::Error,
    },
    /// A file has no key.
    #[error(
        "'{file}' has no private key in PEM ('-----BEGIN PRIVATE KEY-----'); write the key of the \
         certificate into it, without a passphrase"
    )]
    NoKey {
        /// The path.
        file: String,
    },
    /// The key is not valid, or its kind is not supported.
    #[error(
        "the private key in '{file}' cannot be used: {problem}; use an RSA key of at least 2048 bits, \
         an ECDSA key on the curve P-256 or P-384, or an Ed25519 key"
    )]
    BadKey {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::Error,
    },
    /// The key belongs to another certificate.
    #[error(
        "the private key in '{key}' does not belong to the first certificate in '{certificates}'; use \
         the key of the server's certificate, and put that certificate before those of authorities"
    )]
    OtherKey {
        /// The path of the key.
        key: String,
        /// The path of the certificates.
        certificates: String,
    },
    /// The files are good, but TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[source] rustls::Error),
}
