//! When a program is to read its files again.

use std::io;

/// SIGHUP, from [`ReloadSignals::listen`] on. It does not end the process by itself any more.
#[derive(Debug)]
pub struct ReloadSignals {
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl ReloadSignals {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// If the operating system does not let the program listen.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { hang_up: signal(SignalKind::hangup())? })
    }

    /// There is no such signal here.
    ///
    /// # Errors
    ///
    /// None here.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        if self.hang_up.recv().await.is_none() {
            std::future::pending().await
        }
    }

    /// Waits for ever.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        std::future::pending().await
    }
}
