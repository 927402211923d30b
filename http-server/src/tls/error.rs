//! Why a certificate or its key cannot be used.

use std::io;

/// A file of certificates or of a key that cannot be used: which, what is wrong, and what would do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("'{file}' cannot be read: {cause}")]
    Unreadable {
        /// The path.
        file: String,
        /// What the operating system says, or why it is not read.
        #[source]
        cause: io::Error,
    },
    /// A file is no PEM.
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
        "'{file}' has no certificate in PEM ('-----BEGIN CERTIFICATE-----'); put the server's in, and \
         behind it those that lead to an authority"
    )]
    NoCertificate {
        /// The path.
        file: String,
    },
    /// A certificate is none.
    #[error("the first certificate of '{file}' cannot be used: {problem}; put the server's in")]
    BadCertificate {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::Error,
    },
    /// A file has no key.
    #[error(
        "'{file}' has no private key in PEM ('-----BEGIN PRIVATE KEY-----'); put the key of the \
         certificate in, without a passphrase"
    )]
    NoKey {
        /// The path.
        file: String,
    },
    /// A key is none, or of a kind that is not known.
    #[error(
        "the private key in '{file}' cannot be used: {problem}; use an RSA key of at least 2048 bits, \
         or one on the curve P-256, P-384 or Ed25519"
    )]
    BadKey {
        /// The path.
        file: String,
        /// What is wrong.
        #[source]
        problem: rustls::Error,
    },
    /// Key and certificate are not of one pair.
    #[error(
        "the private key in '{key}' is not that of the first certificate in '{certificates}'; give the \
         certificate's own key, and put the server's certificate before those of authorities"
    )]
    OtherKey {
        /// The path of the key.
        key: String,
        /// The path of the certificates.
        certificates: String,
    },
    /// Nothing is wrong with the files, but TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[source] rustls::Error),
}
