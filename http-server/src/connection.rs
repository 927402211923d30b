//! The requests of one connection.

use std::{convert::Infallible, error::Error, pin::pin, sync::Arc, time::Duration};

use hyper::{Request, Response, body::Body, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch, time::sleep};
use tower::Service;

use crate::{
    afterwards::Afterwards,
    head_timer::{Arrived, HeadTimer},
    limits::Limits,
    request_body::RequestBody,
    socket::Socket,
    socket_places::SocketPlace,
    stream::Security,
    unread_body,
};

/// The most time that a connection in a reserved place has for a head, and to be idle.
const RESERVED_TIME: Duration = Duration::from_secs(2);

/// Serves the requests of one connection, one after the other. If an upgrade takes the socket away,
/// this function does the work of that upgrade and then ends.
pub(crate) async fn serve<S, B>(
    socket: TcpStream,
    security: Security,
    place: SocketPlace,
    service: S,
    mut limits: Limits,
    mut is_ending: watch::Receiver<()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send,
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
    let afterwards = Afterwards::default();
    let work = afterwards.clone();
    let arrived = Arrived::default();
    let timer = HeadTimer::new(limits.head_time, arrived.clone());
    let socket = Socket::new(stream, Arc::clone(&place), arrived, limits.write_time);
    let connection = http1::Builder::new()
        .keep_alive(!place.is_reserved())
        .timer(timer)
        // When a head begins, the timer shortens this to the time for a head.
        .header_read_timeout(limits.idle_time)
        .max_buf_size(limits.head_size)
        .serve_connection(
            TokioIo::new(socket),
            service_fn(move |mut request| {
                request.extensions_mut().insert(Arc::clone(&place));
                request.extensions_mut().insert(afterwards.clone());
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
    work.work().await;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::{Router, body::Body};
    use tokio::net::TcpListener;

    use crate::socket_places::SocketPlaces;

    use super::*;

    /// Each event stream and each poll keeps this future. The HTTP library has more on the heap.
    #[tokio::test]
    async fn the_requests_of_a_connection_take_two_kilobytes() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let place = Arc::new(SocketPlaces::default()).take(address.ip()).unwrap();
        let (_end, is_ending) = watch::channel(());
        let (app, limits): (Router, _) = (Router::new(), Limits::default());

        let serving = serve::<_, Body>(socket, Security::Plain, place, app, limits, is_ending);

        assert!(size_of_val(&serving) < 2048, "{} bytes", size_of_val(&serving));
    }
}
