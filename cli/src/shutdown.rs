//! When to end: the signals by which people and process managers stop a program.

use std::io;

use tokio::sync::watch;

/// Listens for SIGINT and SIGTERM; the receiver turns `true` on the first of them.
///
/// # Errors
///
/// Where the operating system does not let the program listen.
pub(crate) fn on_signal() -> io::Result<Shutdown> {
    let mut ended = Ended::listen()?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        ended.wait().await;
        // Nobody waits any more once the command has ended by itself.
        let _ = sender.send(true);
    });
    Ok(Shutdown(receiver))
}

/// Ends when the program shall end; clones end together.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) async fn requested(mut self) {
        // A dropped sender means that nobody can ask any more; it is dropped only after it asked.
        let _ = self.0.wait_for(|&ended| ended).await;
    }
}

#[cfg(unix)]
struct Ended {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ended {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Ended;

#[cfg(not(unix))]
impl Ended {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) {
        // An error means that there is no console to interrupt from.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
