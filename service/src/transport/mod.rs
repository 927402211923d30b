//! How clients reach the service: first the negotiation, then the requests that open a carrier or
//! send messages through it.

mod claim;
mod endpoint;
mod headers;
mod long_polling;
mod negotiate;
mod post;
mod refresh;
pub(crate) mod relay;
mod relayed;
mod server_sent_events;
mod websocket;

use std::{sync::Arc, time::SystemTime};

use axum::{
    Router,
    extract::{Request, State as Extract},
    response::Response,
    routing::{any, post},
};
use http::{Method, StatusCode, header};

use self::endpoint::{Client, Refusal};
pub(crate) use self::relayed::{busy_answer, serve as serve_relayed};
use crate::{carrier::Transport, query::Query, state::State};

/// The routes of the client endpoint.
pub(crate) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/client/negotiate", post(negotiate).fallback(negotiate::only_post))
        .route("/client/refresh", post(refresh).fallback(refresh::only_post))
        .route("/client/", any(connect))
        .route("/client", any(connect))
}

/// Connects a client or passes its messages on, and counts refused requests.
async fn connect(state: Extract<Arc<State>>, request: Request) -> Result<Response, Refusal> {
    let (noting, hub) = (Arc::clone(&state), traced_hub(&state, &request));
    answer(state, request).await.inspect_err(|refusal| refusal.note(&noting, hub.as_deref()))
}

async fn negotiate(state: Extract<Arc<State>>, request: Request) -> Result<Response, Refusal> {
    let (noting, hub) = (Arc::clone(&state), traced_hub(&state, &request));
    let negotiated = negotiate::negotiate(state, request).await;
    negotiated.inspect_err(|refusal| refusal.note(&noting, hub.as_deref()))
}

/// The hub that a request names, if the live trace has viewers.
fn traced_hub(state: &State, request: &Request) -> Option<String> {
    let query = state.trace.is_watched().then(|| Query::parse(request.uri().query()))?;
    query.first("hub").map(str::to_owned)
}

async fn refresh(state: Extract<Arc<State>>, request: Request) -> Response {
    let hub = traced_hub(&state, &request);
    let refreshed = refresh::refresh(&state, request).await;
    refreshed.unwrap_or_else(|refused| refused.answer(&state, hub.as_deref()))
}

/// Distinguishes the transports in the same way as ASP.NET Core.
async fn answer(
    Extract(state): Extract<Arc<State>>,
    request: Request,
) -> Result<Response, Refusal> {
    let now = SystemTime::now();
    let mut client = Client::authenticate(&state, &request, now)?;
    if *request.method() == Method::GET {
        client.check_socket(&state)?;
    }
    // The session decides about requests for an open connection. The login may be renewed, and a
    // client that asks after the end of its login has to learn of that end.
    if !feeds_a_connection(&request, &client) {
        client.check_time()?;
    }
    match *request.method() {
        Method::GET if headers::ask_for_websocket(request.headers()) => {
            client.check_transport(Transport::WebSockets)?;
            websocket::connect(state, client, request).await
        }
        Method::GET if headers::ask_for_events(request.headers()) => {
            client.check_transport(Transport::ServerSentEvents)?;
            server_sent_events::connect(&state, &mut client).await
        }
        Method::GET if request.headers().contains_key(header::SEC_WEBSOCKET_KEY) => {
            Err(websocket::no_upgrade())
        }
        Method::GET => {
            client.check_transport(Transport::LongPolling)?;
            long_polling::poll(&state, &mut client).await
        }
        Method::POST => {
            let (parts, body) = request.into_parts();
            post::receive(&state, &client, &parts.headers, body).await
        }
        Method::DELETE => long_polling::end(&state, &client).await,
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "use GET, POST or DELETE")),
    }
}

/// Whether a request may be one that a client makes after its first request: polls, posts, the end
/// of the connection, and another socket.
fn feeds_a_connection(request: &Request, client: &Client) -> bool {
    let headers = request.headers();
    match *request.method() {
        Method::POST | Method::DELETE => true,
        Method::GET if headers::ask_for_websocket(headers) => client.query.first("id").is_some(),
        Method::GET => !headers::ask_for_events(headers),
        _ => false,
    }
}
