//! From the first connection to the end of the last.

use std::{convert::Infallible, error::Error, pin::pin, sync::Arc};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tower::Service;

use crate::{
    accept::Ports, connection, limits::Limits, refuse::Refusals, socket_places::SocketPlaces,
    stream::Security,
};

/// Serves HTTP/1.1 on these ports until `shutdown` is ready. Then no port takes a new connection,
/// idle connections are closed, requests under way are finished, and what is still there after
/// [`Limits::drain_time`] is cut off.
///
/// The service may upgrade a connection: [`take_socket`](crate::take_socket) hands out its socket.
/// The service then owns the socket, also after this call has ended.
///
/// There are as many connections at once as [`SocketLimits`](crate::SocketLimits) has for
/// everybody; [`serve_with`] takes limits of your own.
///
/// It must run in a tokio runtime. If it is dropped, every connection ends at once.
pub async fn serve<S, B>(
    listeners: Vec<TcpListener>,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
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

/// Serves as [`serve`] does, on ports that are secured or not, with these places for connections.
///
/// A caller has 10 seconds for its TLS handshake, and no other waits for it. Each request has its
/// connection's `Arc<`[`SocketPlace`](crate::SocketPlace)`>` among its extensions.
pub async fn serve_with<S, B>(
    listeners: Vec<TcpListener>,
    security: Security,
    places: Arc<SocketPlaces>,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
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
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            // None of the first two is ready without end, so connections are always taken.
            biased;
            () = &mut shutdown => break,
            // What is left of a connection that ended goes at once.
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
                        (Err(_), Some(Some(refusal))) => refusal.answer(socket).await,
                        // So many are refused at once that this one is closed without an answer.
                        (Err(_), _) => {}
                    }
                });
            }
        }
    }
    drop(ports);
    // Each connection notices that nobody is there to send.
    drop(end);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain_time, drained).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}
