//! The signal to read files again.

use std::io;

/// Receives SIGHUP. From [`ReloadSignals::listen`] on, SIGHUP no longer ends the process. Each listener
/// gets every signal. The default value never gets a signal.
#[derive(Debug, Default)]
pub struct ReloadSignals {
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
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

        Ok(Self { hang_up: Some(signal(SignalKind::hangup())?) })
    }

    /// This system has no such signal.
    ///
    /// # Errors
    ///
    /// This system returns none.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        if let Some(hang_up) = &mut self.hang_up
            && hang_up.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }

    /// Never ends, because this system has no such signal.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        std::future::pending().await
    }
}
