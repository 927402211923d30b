//! TLS in front of a port, for those without a proxy: the certificate, its changes, and the
//! handshake.

mod error;
mod files;
mod handshake;
mod watch;

use std::{fmt, path::Path, sync::Arc};

use rustls::ServerConfig;
use tokio::sync::watch::Receiver;

pub use self::error::TlsError;
use self::files::Files;
pub(crate) use self::handshake::accept;

/// A server's certificate and key, from two PEM files.
///
/// The first certificate is the server's own; those behind it lead to an authority that its callers
/// know. The key has no passphrase. Both may be in one file.
///
/// ```no_run
/// use signalr_http_server::Tls;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::watch("fullchain.pem".as_ref(), "privkey.pem".as_ref())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(Receiver<Arc<ServerConfig>>);

impl Tls {
    /// Reads both files, and again whenever one changes: connections from then on get the new
    /// certificate. New files that cannot be used are logged, and the certificate before them
    /// stays.
    ///
    /// The files are followed for as long as one of the clones lives.
    ///
    /// # Errors
    ///
    /// [`TlsError`], for the files as they are now.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn watch(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::new(certificates, key);
        let contents = files.read()?;
        let (sender, receiver) = tokio::sync::watch::channel(contents.config()?);
        tokio::spawn(watch::follow(files, contents, sender));
        Ok(Self(receiver))
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.borrow())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
