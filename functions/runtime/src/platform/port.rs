//! A port of this machine: its connections, and how they end.

use std::{io, net::Ipv4Addr, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::config::variable::Variable;

/// How long calls that are under way may go on after the signal to end.
const DRAIN: Duration = Duration::from_secs(10);

/// For the head of a request, and between two requests of a connection: longer than callers keep
/// connections that they do not use, which is a minute for the host of Azure Functions.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// For each part of a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How long to wait where the machine has no socket left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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

/// Opens a port, which this variable names, and says so.
#[expect(clippy::print_stdout, reason = "how a person or a test learns of the port")]
pub(crate) async fn bind(port: u16, variable: Variable) -> Result<TcpListener, PortError> {
    let closed = |source| PortError::Closed { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => PortError::InUse { port, variable: variable.name },
        _ => closed(error),
    })?;
    println!("listening on http://{}", listener.local_addr().map_err(closed)?);
    Ok(listener)
}

/// Takes no new call after the signal, and ends when those under way have, or when their time is up.
/// A caller who stops in the middle of a request is cut off after a while.
pub(crate) async fn serve(listener: TcpListener, router: Router, signal: impl Future<Output = ()>) {
    let service = TowerToHyperService::new(router.layer(RequestBodyTimeoutLayer::new(BODY_TIME)));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let connections = GracefulShutdown::new();
    let mut signal = pin!(signal);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut signal => break,
        };
        let Ok(socket) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let connection = http.serve_connection(TokioIo::new(socket), service.clone());
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // One that breaks is for its caller to notice.
            let _ = connection.await;
        });
    }
    drop(listener);
    // What is still under way then is cut off.
    let _ = timeout(DRAIN, connections.shutdown()).await;
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (socket, _) = listener.accept().await?;
    // Answers are written whole: waiting for more would only delay them.
    socket.set_nodelay(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::body::Bytes;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::mpsc,
        time::Instant,
    };

    use super::*;

    async fn listen() -> (TcpListener, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener, caller)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_ends_holds_the_end_up_for_no_longer_than_the_drain() {
        let (arrived, mut arrivals) = mpsc::channel::<()>(1);
        let router = Router::new().fallback(move || async move {
            arrived.send(()).await.unwrap();
            pending::<()>().await
        });
        let (listener, mut caller) = listen().await;
        caller.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let signal = async move {
            arrivals.recv().await.unwrap();
        };
        let start = Instant::now();
        serve(listener, router, signal).await;
        assert!(start.elapsed() >= DRAIN);
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for_for_ever() {
        let router = Router::new().fallback(async |_: Bytes| "whole");
        for (sent, answer) in [
            ("", ""),
            ("POST / HT", ""),
            ("POST / HTTP/1.1\r\nhost: x\r\n", ""),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf", "HTTP/1.1 400"),
        ] {
            let (listener, mut caller) = listen().await;
            caller.write_all(sent.as_bytes()).await.unwrap();
            let mut came = String::new();
            tokio::select! {
                () = serve(listener, router.clone(), pending()) => unreachable!(),
                read = caller.read_to_string(&mut came) => read.unwrap(),
            };
            assert!(came.starts_with(answer) && came.is_empty() == answer.is_empty(), "{came}");
        }
    }
}
