//! The signal to read files again, and when a change of a file counts.

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

/// What was read from files, and whether a change of it is complete.
///
/// A program may write a file in steps, or a second file later than the first. So a change counts if
/// two reads found the same, or if it is known to be complete, such as after [`ReloadSignals::next`].
///
/// ```
/// use signalr_http_server::Settled;
///
/// let mut keys = Settled::new("old");
/// assert_eq!(keys.look("new", false), None);
/// assert_eq!(keys.look("new", false), Some(&"new"));
/// assert_eq!(keys.look("new", false), None); // a change is returned once
/// assert_eq!(keys.look("newer", true), Some(&"newer"));
/// ```
#[derive(Debug)]
pub struct Settled<T> {
    last: T,
    /// Whether `last` was read twice or is known to be complete.
    is_settled: bool,
}

impl<T: PartialEq> Settled<T> {
    /// What is in use now.
    pub fn new(in_use: T) -> Self {
        Self { last: in_use, is_settled: true }
    }

    /// Takes what was read `now`, and returns it if it is a complete change. `is_whole` says that it is
    /// known to be complete.
    pub fn look(&mut self, now: T, is_whole: bool) -> Option<&T> {
        let is_new = now != self.last;
        let was_settled = self.is_settled && !is_new;
        self.is_settled = !is_new || is_whole;
        self.last = now;
        (self.is_settled && !was_settled).then_some(&self.last)
    }
}
