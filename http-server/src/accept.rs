//! Taking the connections of one port.

use std::{convert::Infallible, error::Error, io, time::Duration};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::sleep};
use tower::Service;

use crate::{connection, limits::Limits};

/// How long to wait where the machine has no socket left.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until the end, then waits for those that have a request under way.
pub(crate) async fn accept<S, B>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    mut is_ending: watch::Receiver<bool>,
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
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let service = service.clone();
                    connections.spawn(connection::serve(socket, service, limits, is_ending.clone()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            },
            // What is left of a connection that ended goes at once.
            Some(_) = connections.join_next() => {}
            _ = is_ending.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Whether the caller has gone before it was taken, which says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
