//! How clients reach the service: negotiation, then a transport that moves bytes.

pub(crate) mod endpoint;
pub(crate) mod long_polling;
pub(crate) mod negotiate;
mod post;
pub(crate) mod server_sent_events;
pub(crate) mod tokens;
pub(crate) mod websocket;

use std::{sync::Arc, time::SystemTime};

use axum::{
    Router,
    extract::{Request, State as Extract},
    response::Response,
    routing::{any, post},
};
use http::{Method, StatusCode};

use self::endpoint::{Client, Refusal};
use crate::state::State;

/// The ways to move bytes between a client and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSockets,
    ServerSentEvents,
    LongPolling,
}

/// The client takes less than is sent to it, and its queue is full.
#[derive(Debug)]
pub(crate) struct QueueFull;

/// The routes of the client endpoint.
pub(crate) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/client/negotiate", post(negotiate::negotiate).fallback(negotiate::only_post))
        .route("/client/", any(connect))
        .route("/client", any(connect))
}

/// Tells the transports apart, as ASP.NET Core does.
async fn connect(
    Extract(state): Extract<Arc<State>>,
    request: Request,
) -> Result<Response, Refusal> {
    let now = SystemTime::now();
    let mut client = Client::authenticate(&state, request.uri(), request.headers(), now)?;
    match *request.method() {
        Method::GET if websocket::upgrade::is_asked_for(request.headers()) => {
            websocket::upgrade::connect(state, client, request)
        }
        Method::GET if server_sent_events::is_asked_for(request.headers()) => {
            server_sent_events::connect(&state, &mut client).await
        }
        Method::GET => long_polling::poll(&state, &mut client).await,
        Method::POST => post::receive(&state, &client, request.into_body()).await,
        Method::DELETE => long_polling::end(&state, &client).await,
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "use GET, POST or DELETE")),
    }
}
