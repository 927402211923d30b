//! When a program is to end: the signals by which people and process managers stop it.

use std::{fmt, io};

use tokio::sync::oneshot;

/// A signal that asks a program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT; elsewhere than on Unix, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// What a program exits with that a signal ended, as shells say it: 128 and the signal's
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

/// The signals that ask this program to end, from [`EndSignals::listen`] on. They do not end the
/// process by themselves any more.
#[derive(Debug)]
pub struct EndSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl EndSignals {
    /// Begins to listen. Do it before anything is served, so that no signal is lost.
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
    /// None here.
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
        // An error means that there is no console to interrupt from; the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        Signal::Interrupt
    }

    /// Runs what `serve` makes of the first signal, which is ready when that signal comes.
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
    /// [`SecondSignal`], at once, if another signal comes before that has ended. It is dropped then.
    pub async fn run<S, R>(mut self, serve: S) -> Result<(), SecondSignal>
    where
        S: FnOnce(FirstSignal) -> R,
        R: Future<Output = ()>,
    {
        let (come, first) = oneshot::channel();
        let second = async {
            self.next().await;
            // The task that waited for it may have ended by itself.
            let _ = come.send(());
            SecondSignal(self.next().await)
        };
        tokio::select! {
            () = serve(FirstSignal(first)) => Ok(()),
            second = second => Err(second),
        }
    }
}

/// Is ready when the first signal comes.
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
    "a second signal, {0}, came before the end was reached: what was under way is cut off, and clients \
     that were not told yet are not told to come back"
)]
pub struct SecondSignal(pub Signal);

/// Is ready on the first SIGINT or SIGTERM after this call; elsewhere than on Unix, on Ctrl-C.
///
/// Ask for it before anything is served, so that no signal is lost. From then on signals do not end
/// the process by themselves: one that comes while the program is ending changes nothing, and
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
