//! TLS on a port, for a server without a proxy: the certificate, its changes, and the handshake.

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
use crate::reload::ReloadSignals;

/// A server's certificate and key, from two PEM files.
///
/// The first certificate is the server's own. The certificates after it lead to an authority that the
/// callers trust. The key has no passphrase. Both may be in one file.
///
/// ```no_run
/// use signalr_http_server::{ReloadSignals, Tls};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::watch("fullchain.pem".as_ref(), "privkey.pem".as_ref(), ReloadSignals::listen()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(Receiver<Arc<ServerConfig>>);

impl Tls {
    /// Reads both files. Reads them again when one of them changes, and at once on the signal. New
    /// connections then get the new certificate. If the new files cannot be used, this is logged and
    /// the previous certificate stays.
    ///
    /// The files are watched for as long as one of the clones lives.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if the present files cannot be used.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn watch(certificates: &Path, key: &Path, reload: ReloadSignals) -> Result<Self, TlsError> {
        let files = Files::new(certificates, key);
        let contents = files.read()?;
        let (sender, receiver) = tokio::sync::watch::channel(contents.config()?);
        tokio::spawn(watch::follow(files, contents, reload, sender));
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
