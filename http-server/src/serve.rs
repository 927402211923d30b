//! From the first connection to the end of the last.

use std::{convert::Infallible, error::Error};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tower::Service;

use crate::{accept::accept, limits::Limits};

/// Serves HTTP/1.1 on these ports until `shutdown` is ready. Then no port takes a new connection,
/// idle connections are closed, requests under way are finished, and what is still there after
/// [`Limits::drain_time`] is cut off.
///
/// The service may upgrade a connection: [`take_socket`](crate::take_socket) hands out its socket.
/// Such a socket is the service's own from then on, and outlives this call.
///
/// It must run in a tokio runtime. Where it is dropped, every connection ends at once.
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
    let (end, is_ending) = watch::channel(false);
    let mut ports = JoinSet::new();
    for listener in listeners {
        ports.spawn(accept(listener, service.clone(), limits, is_ending.clone()));
    }
    shutdown.await;
    // Without receivers every port has ended already.
    let _ = end.send(true);
    let drained = async { while ports.join_next().await.is_some() {} };
    if timeout(limits.drain_time, drained).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}
