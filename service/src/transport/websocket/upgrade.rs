//! From an HTTP request to a bare socket in the hands of a shard.

use std::{
    io,
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{
    extract::{Request, State as Extract},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, Method, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use signalr_serverless::ConnectionId;
use tokio::net::TcpStream;
use tungstenite::handshake::derive_accept_key;

use crate::{
    hub::{connection::Identity, shard::Newcomer},
    state::State,
    transport::{
        endpoint::{Client, Refusal},
        tokens::{ClaimError, random_id},
    },
};

/// `GET /client/?hub=…&id=…` with an upgrade; without `id`, a client that skips negotiation.
pub(crate) async fn connect(
    Extract(state): Extract<Arc<State>>,
    mut request: Request,
) -> Result<Response, Refusal> {
    let client = Client::authenticate(&state, request.uri(), request.headers(), SystemTime::now())?;
    let token = client.query.first("id");
    if !asks_for_websocket(request.headers()) {
        return Err(only_websockets(token));
    }
    if request.method() != Method::GET {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET"));
    }
    let accept = accept_key(request.headers())?;
    let identity = match token {
        Some(token) => claim(&state, token, &client)?,
        None => new_identity(&client)?,
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(hand_over(state, upgrade, identity));
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| {
        value.split(',').any(|one| one.trim().eq_ignore_ascii_case("websocket"))
    })
}

/// The answers of ASP.NET Core where a transport is not there.
fn only_websockets(token: Option<&str>) -> Refusal {
    match token {
        None => Refusal::new(StatusCode::BAD_REQUEST, "Connection ID required"),
        Some(_) => Refusal::new(
            StatusCode::NOT_FOUND,
            "this endpoint speaks WebSockets only; ask for an upgrade",
        ),
    }
}

/// Checks the opening handshake and answers its key. Source: RFC 6455, section 4.2.
fn accept_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let bad_request = |text| Refusal::new(StatusCode::BAD_REQUEST, text);
    let connection = headers.get(header::CONNECTION).and_then(|value| value.to_str().ok());
    if !connection
        .is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case("upgrade")))
    {
        return Err(bad_request("the header Connection does not say 'upgrade'"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(bad_request("Sec-WebSocket-Version is not 13"));
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        // 16 bytes in base64.
        Some(key) if key.len() == 24 => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(bad_request("Sec-WebSocket-Key is not 16 bytes in base64")),
    }
}

fn claim(state: &State, token: &str, client: &Client) -> Result<Arc<Identity>, Refusal> {
    let claimed = state.tokens.claim(token, &client.hub, client.user.as_ref(), Instant::now());
    claimed.map_err(|error| match error {
        ClaimError::Unknown => Refusal::new(StatusCode::NOT_FOUND, "No Connection with that ID"),
        ClaimError::Connected => {
            Refusal::new(StatusCode::CONFLICT, "a transport is connected with this id already")
        }
        ClaimError::OtherClient => Refusal::new(
            StatusCode::FORBIDDEN,
            "the access token names another user or hub than the one that negotiated",
        ),
    })
}

fn new_identity(client: &Client) -> Result<Arc<Identity>, Refusal> {
    let id = random_id().map_err(|error| Refusal::internal(&error))?;
    Ok(Arc::new(Identity {
        id: ConnectionId::parse(&id).map_err(|error| Refusal::internal(&error))?,
        hub: client.hub.clone(),
        user: client.user.clone(),
    }))
}

/// Takes the socket back from the HTTP library and hands it to its shard.
async fn hand_over(state: Arc<State>, upgrade: OnUpgrade, identity: Arc<Identity>) {
    let newcomer = match upgrade.await.map_err(io::Error::other).and_then(take_socket) {
        Ok((socket, early)) => Newcomer { identity: Arc::clone(&identity), socket, early },
        Err(error) => {
            tracing::debug!(connection = %identity.id, %error, "an upgrade was not completed");
            return state.tokens.release(&identity.id);
        }
    };
    if state.hubs.adopt(newcomer).await.is_err() {
        state.tokens.release(&identity.id);
    }
}

fn take_socket(upgraded: Upgraded) -> io::Result<(std::net::TcpStream, BytesMut)> {
    let parts = upgraded
        .downcast::<TokioIo<TcpStream>>()
        .map_err(|_| io::Error::other("the connection is not a plain TCP stream"))?;
    Ok((parts.io.into_inner().into_std()?, parts.read_buf.into()))
}
