//! `GET /server/?hub=…&cid=…`: checks the caller and upgrades the connection.

use std::{sync::Arc, time::SystemTime};

use axum::{
    extract::{Request, State as Extract},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use hyper_util::rt::TokioIo;
use signalr_http_server::SocketPlace;
use signalr_serverless::HubName;
use tungstenite::handshake::derive_accept_key;

use super::{
    opening::{Opening, serve},
    socket::open,
};
use crate::{
    admission::Full,
    auth::{self, AuthError},
    query::Query,
    state::State,
};

/// The answer to an app server that may not connect.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, text) = self;
        tracing::warn!(status = status.as_u16(), reason = text, "an app server is refused");
        let mut response = (status, text.clone()).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, auth::challenge(&text));
        }
        response
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self(StatusCode::UNAUTHORIZED, error.to_string())
    }
}

/// Accepts an app server, and serves its connection in a task of its own.
pub(super) async fn connect(Extract(state): Extract<Arc<State>>, mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let (accept, opening) = match check(&state, &request.into_parts().0).await {
        Ok(checked) => checked,
        Err(refusal) => return refusal.into_response(),
    };
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(%error, "the upgrade of an app server was not completed");
                return;
            }
        };
        let socket = open(upgraded).await;
        serve(state, socket, opening).await;
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn check(state: &State, request: &Parts) -> Result<(String, Opening), Refusal> {
    if request.method != Method::GET {
        return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "use GET".to_owned()));
    }
    let query = Query::parse(request.uri.query());
    let headers = &request.headers;
    let bad_request = |text: String| Refusal(StatusCode::BAD_REQUEST, text);
    let hub = query.first("hub");
    let hub = hub.ok_or_else(|| bad_request("the query parameter 'hub' is missing".to_owned()))?;
    let hub = HubName::parse(hub).map_err(|error| bad_request(error.to_string()))?;
    let call = auth::Call { hosts: auth::hosts(headers), path: "/server/", query: &query };
    let token = auth::bearer(headers).ok_or(AuthError::Missing)?;
    state.verifier.verify_call(token, &call, SystemTime::now()).await?;
    let socket = request.extensions.get::<Arc<SocketPlace>>();
    if socket.is_some_and(|socket| socket.is_reserved()) {
        // These places are reserved for requests that end.
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, Full::Reserved.to_string()));
    }
    if !state.stage.admits() {
        let text = "the service is shutting down".to_owned();
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, text));
    }
    let server = headers.get("x-asrs-server-id").and_then(|value| value.to_str().ok());
    let server = server.or(query.first("cid")).unwrap_or_default().to_owned();
    Ok((accept_key(headers)?, Opening { hub, server }))
}

/// Answers the key of the opening handshake. Source: RFC 6455, section 4.2.
fn accept_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let is = |name, text: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(text))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    match key {
        Some(key)
            if is(header::UPGRADE, "websocket") && is(header::SEC_WEBSOCKET_VERSION, "13") =>
        {
            Ok(derive_accept_key(key.as_bytes()))
        }
        _ => {
            let text =
                "this is the endpoint of app servers; they connect by a WebSocket, version 13";
            Err(Refusal(StatusCode::BAD_REQUEST, text.to_owned()))
        }
    }
}
