//! The signals by which people and process managers end a program.

use std::{fmt, io};

use tokio::sync::oneshot;

/// A signal that asks a program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT. On systems other than Unix, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit code of a program that this signal ended, as shells report it: 128 plus the signal's
    /// number.
    ///
    /// ```
    /// use signalr_http_server::Signal;
    ///
    /// assert_eq!(Signal::Terminate.exit_code(), 143);
    /// ```
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Receives the signals that ask this program to end. From [`EndSignals::listen`] on, these signals no
/// longer end the process by themselves.
#[derive(Debug)]
pub struct EndSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl EndSignals {
    /// Begins to listen. Call it before you serve anything, so that no signal is lost.
    ///
    /// # Errors
    ///
    /// If the operating system does not let the program listen.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// This system returns none.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    /// Waits for the next signal.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> Signal {
        // An error means that there is no console, so no Ctrl-C can come. The system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        Signal::Interrupt
    }

    /// Runs the future that `serve` returns. `serve` gets a future that is ready when the first signal
    /// comes.
    ///
    /// ```no_run
    /// use axum::Router;
    /// use signalr_http_server::{EndSignals, Limits, Listen, serve};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let signals = EndSignals::listen()?;
    /// let ports = Listen::Loopback { port: 7071 }.bind().await?;
    /// signals.run(|first| serve(ports, Router::new(), Limits::default(), first)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SecondSignal`], at once, if another signal comes before the future of `serve` has ended. That
    /// future is then dropped.
    pub async fn run<S, R>(mut self, serve: S) -> Result<(), SecondSignal>
    where
        S: FnOnce(FirstSignal) -> R,
        R: Future<Output = ()>,
    {
        let (come, first) = oneshot::channel();
        let second = async {
            self.next().await;
            // The future that waits for the signal may have been dropped.
            let _ = come.send(());
            SecondSignal(self.next().await)
        };
        tokio::select! {
            () = serve(FirstSignal(first)) => Ok(()),
            second = second => Err(second),
        }
    }
}

/// A future that is ready when the first signal comes.
#[derive(Debug)]
pub struct FirstSignal(oneshot::Receiver<()>);

impl Future for FirstSignal {
    type Output = ();

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<()> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}

/// A second signal came while the program was ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a second signal, {0}, came before the program had ended: running requests are cut off, and the \
     remaining clients are not told to come back"
)]
pub struct SecondSignal(pub Signal);

/// Returns a future that is ready on the first SIGINT or SIGTERM after this call. On systems other than
/// Unix, it is ready on Ctrl-C.
///
/// Call it before you serve anything, so that no signal is lost. From then on these signals no longer
/// end the process by themselves. A signal that comes while the program ends changes nothing:
/// [`Limits::drain_time`](crate::Limits::drain_time) bounds that time. [`EndSignals::run`] is for a
/// program whose end may take longer.
///
/// # Errors
///
/// If the operating system does not let the program listen.
pub fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = EndSignals::listen()?;
    Ok(async move {
        signals.next().await;
    })
}
