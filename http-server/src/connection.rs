//! The requests of one connection.

use std::{convert::Infallible, error::Error, pin::pin};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch};
use tower::Service;

use crate::{
    head_timer::{Arrived, HeadTimer},
    limits::Limits,
    socket::Socket,
    unread_body,
};

/// Serves the requests of one connection, one after the other. An upgrade takes the socket away from
/// here, and this ends.
pub(crate) async fn serve<S, B>(
    socket: TcpStream,
    service: S,
    limits: Limits,
    mut is_ending: watch::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Answers are written whole; waiting for more would only delay them.
    if socket.set_nodelay(true).is_err() {
        // The caller has gone already.
        return;
    }
    let arrived = Arrived::default();
    let timer = HeadTimer::new(limits.head_time, arrived.clone());
    let connection = http1::Builder::new()
        .timer(timer)
        // The timer shortens it to the time for a head when the head begins.
        .header_read_timeout(limits.idle_time)
        .max_buf_size(limits.head_size)
        .serve_connection(
            TokioIo::new(Socket::new(socket, arrived, limits.write_time)),
            service_fn(move |request| unread_body::answer(service.clone(), request)),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        _ = is_ending.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
