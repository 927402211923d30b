//! The requests of one connection.

use std::{convert::Infallible, error::Error, pin::pin, sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::sleep};
use tower::Service;

use crate::{
    head_timer::{Arrived, HeadTimer},
    limits::Limits,
    socket::Socket,
    socket_places::SocketPlace,
    stream::Security,
    unread_body,
};

/// The longest time for a head, and without one, of a connection in a place that is kept back.
const RESERVED_TIME: Duration = Duration::from_secs(2);

/// Serves the requests of one connection, one after the other. An upgrade takes the socket away from
/// here, and this ends.
pub(crate) async fn serve<S, B>(
    socket: TcpStream,
    security: Security,
    place: SocketPlace,
    service: S,
    mut limits: Limits,
    mut is_ending: watch::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if place.is_reserved() {
        limits.head_time = limits.head_time.min(RESERVED_TIME);
        limits.idle_time = limits.idle_time.min(RESERVED_TIME);
    }
    let secured = tokio::select! {
        biased;
        secured = security.secure(socket) => secured,
        () = sleep(RESERVED_TIME), if place.is_reserved() => return,
        _ = is_ending.changed() => return,
    };
    let stream = match secured {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%error, "a caller did not shake hands");
            return;
        }
    };
    let place = Arc::new(place);
    let arrived = Arrived::default();
    let timer = HeadTimer::new(limits.head_time, arrived.clone());
    let socket = Socket::new(stream, Arc::clone(&place), arrived, limits.write_time);
    let connection = http1::Builder::new()
        .keep_alive(!place.is_reserved())
        .timer(timer)
        // The timer shortens it to the time for a head when the head begins.
        .header_read_timeout(limits.idle_time)
        .max_buf_size(limits.head_size)
        .serve_connection(
            TokioIo::new(socket),
            service_fn(move |mut request| {
                request.extensions_mut().insert(Arc::clone(&place));
                unread_body::answer(service.clone(), request)
            }),
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
