//! When a program is to end: the signals by which people and process managers stop it.

use std::io;

/// Is ready on the first SIGINT or SIGTERM after this call; elsewhere than on Unix, on Ctrl-C.
///
/// Ask for it before anything is served, so that no signal is lost. From then on signals do not end
/// the process by themselves: one that comes while the program is ending changes nothing, and
/// [`Limits::drain_time`](crate::Limits::drain_time) bounds that time.
///
/// # Errors
///
/// Where the operating system does not let the program listen.
#[cfg(unix)]
pub fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Is ready on Ctrl-C.
///
/// # Errors
///
/// None here.
#[cfg(not(unix))]
pub fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        // An error means that there is no console to interrupt from; the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
