//! A port of this machine.

use std::{io, net::Ipv4Addr, time::Duration};

use axum::Router;
use signalr_http_server::{Limits, Listen, ListenError};
use tokio::net::TcpListener;

use crate::config::variable::Variable;

/// How long running calls may continue after the signal to end.
const DRAIN: Duration = Duration::from_secs(10);

/// A port that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    #[error(
        "port {port} on 127.0.0.1 is in use; end the program that has it, or set {variable} to another port"
    )]
    InUse { port: u16, variable: &'static str },
    #[error("port {port} on 127.0.0.1 cannot be opened: {source}")]
    Closed { port: u16, source: io::Error },
}

/// Opens a port and logs it. `variable` sets this port.
#[expect(clippy::print_stdout, reason = "how a person or a test learns of the port")]
pub(crate) async fn bind(port: u16, variable: Variable) -> Result<Vec<TcpListener>, PortError> {
    let closed = |source| PortError::Closed { port, source };
    let listen = Listen::Address((Ipv4Addr::LOCALHOST, port).into());
    let listeners = listen.bind().await.map_err(ListenError::into_cause);
    let listeners = listeners.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => PortError::InUse { port, variable: variable.name },
        _ => closed(error),
    })?;
    for listener in &listeners {
        println!("listening on http://{}", listener.local_addr().map_err(closed)?);
    }
    Ok(listeners)
}

/// Serves until the signal and then takes no new call. It ends when the running calls have ended, or
/// after their time limit.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    signal: impl Future<Output = ()>,
) {
    let limits = Limits { drain_time: DRAIN, ..Limits::default() };
    signalr_http_server::serve(listeners, router, limits, signal).await;
}
