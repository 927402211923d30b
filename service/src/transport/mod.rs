//! How clients reach the service: the negotiation, then the requests that open or feed a carrier.

mod claim;
mod endpoint;
mod headers;
mod long_polling;
mod negotiate;
mod post;
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
pub(crate) use self::relayed::serve as serve_relayed;
use crate::{carrier::Transport, state::State};

/// The routes of the client endpoint.
pub(crate) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/client/negotiate", post(negotiate).fallback(negotiate::only_post))
        .route("/client/", any(connect))
        .route("/client", any(connect))
}

/// Negotiates or connects, and counts what is refused.
async fn connect(state: Extract<Arc<State>>, request: Request) -> Result<Response, Refusal> {
    let counters = Arc::clone(&state.counters);
    answer(state, request).await.inspect_err(|refusal| refusal.note(&counters))
}

async fn negotiate(state: Extract<Arc<State>>, request: Request) -> Result<Response, Refusal> {
    let counters = Arc::clone(&state.counters);
    negotiate::negotiate(state, request).await.inspect_err(|refusal| refusal.note(&counters))
}

/// Tells the transports apart, as ASP.NET Core does.
async fn answer(
    Extract(state): Extract<Arc<State>>,
    request: Request,
) -> Result<Response, Refusal> {
    let now = SystemTime::now();
    let mut client = Client::authenticate(&state, &request, now)?;
    if *request.method() == Method::GET {
        client.check_socket(&state)?;
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
