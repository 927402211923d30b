//! From the first connection to the end of the last.

use std::{convert::Infallible, error::Error, panic::resume_unwind, sync::Arc};

use hyper::{Request, Response, body::Body};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{JoinError, JoinSet},
    time::timeout,
};
use tower::Service;

use crate::{
    accept::Ports, connection, limits::Limits, refuse::Refusals, request_body::RequestBody,
    socket_places::SocketPlaces, stream::Security,
};

/// Serves HTTP/1.1 on these ports until `shutdown` is ready. Then the ports are closed, idle
/// connections are closed, and running requests are finished. Connections that remain after
/// [`Limits::drain_time`] are cut off.
///
/// The service may upgrade a connection: [`take_socket`](crate::take_socket) hands out its socket.
/// The service then owns the socket, also after this call has ended.
///
/// The default [`SocketLimits`](crate::SocketLimits) limit the connections. [`serve_with`] takes your
/// own limits.
///
/// The future must run in a tokio runtime. If it is dropped, every connection ends at once.
pub async fn serve<S, B>(
    listeners: Vec<TcpListener>,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_with(listeners, Security::Plain, Arc::default(), service, limits, shutdown).await;
}

/// Serves as [`serve`] does, with or without TLS, and with these places for connections.
///
/// A caller has 10 seconds for its TLS handshake. Other callers do not wait for it. Each request has
/// its connection's `Arc<`[`SocketPlace`](crate::SocketPlace)`>` in its extensions.
pub async fn serve_with<S, B>(
    listeners: Vec<TcpListener>,
    security: Security,
    places: Arc<SocketPlaces>,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (stop, stopped) = oneshot::channel();
    // In a separate task, the thread that accepts a connection also serves it. The future of a main
    // function runs on another thread, and each connection would wake both threads. If this future
    // is dropped, the set ends the task.
    let mut serving = JoinSet::new();
    serving.spawn(serve_until(stopped, listeners, security, places, service, limits));
    tokio::select! {
        biased;
        () = shutdown => drop(stop),
        // The task ends before `stop` is dropped only if it panics.
        Some(ended) = serving.join_next() => return pass_panic_on(ended),
    }
    if let Some(ended) = serving.join_next().await {
        pass_panic_on(ended);
    }
}

fn pass_panic_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        resume_unwind(error.into_panic());
    }
}

/// Serves until the sender of `stopped` is dropped.
async fn serve_until<S, B>(
    mut stopped: oneshot::Receiver<Infallible>,
    listeners: Vec<TcpListener>,
    security: Security,
    places: Arc<SocketPlaces>,
    service: S,
    limits: Limits,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (end, is_ending) = watch::channel(());
    let mut ports = Ports::new(listeners);
    let mut connections = JoinSet::new();
    let mut refusals = Refusals::new();
    loop {
        tokio::select! {
            // The first two branches are not ready all the time, so connections are always accepted.
            biased;
            _ = &mut stopped => break,
            // The memory of an ended connection is freed at once.
            Some(_) = connections.join_next() => {}
            (socket, peer) = ports.accept() => {
                let place = places.take(peer);
                let refusal = place.as_ref().err().map(|reason| refusals.begin(*reason));
                let (service, security) = (service.clone(), security.clone());
                let is_ending = is_ending.clone();
                connections.spawn(async move {
                    match (place, refusal) {
                        (Ok(place), _) => {
                            connection::serve(socket, security, place, service, limits, is_ending)
                                .await;
                        }
                        (Err(_), Some(Some(refusal))) => refusal.answer(socket, &security).await,
                        // Too many are refused at the same time. This one is closed without an answer.
                        (Err(_), _) => {}
                    }
                });
            }
        }
    }
    drop(ports);
    // Each connection notices that the sender is gone.
    drop(end);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain_time, drained).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}
