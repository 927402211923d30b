//! From an HTTP request to a bare socket in the hands of a shard.

use std::{io, sync::Arc, time::Instant};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use signalr_http_server::{UpgradedSocket, take_socket};
use tungstenite::handshake::derive_accept_key;

use crate::{
    hub::shard::{NewCarrier, NewSocket, Newcomer},
    state::State,
    transport::{
        Transport,
        endpoint::{Client, Refusal},
        tokens::Claim,
    },
    upstream::Caller,
};

/// `GET /client/?hub=…&id=…` with an upgrade; without `id`, a client that skips negotiation.
pub(crate) fn connect(
    state: Arc<State>,
    mut client: Client,
    mut request: Request,
) -> Result<Response, Refusal> {
    let accept = accept_key(request.headers())?;
    let claim = match client.query.first("id") {
        Some(token) => state.tokens.claim(token, &client, Transport::WebSockets, Instant::now())?,
        None => Claim::New { identity: client.new_identity()?, terms: client.terms.clone() },
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let caller = client.caller(claim.identity());
    tokio::spawn(hand_over(state, upgrade, claim, caller));
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Whether a request asks for this transport.
pub(crate) fn is_asked_for(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
}

/// Checks the opening handshake and answers its key. Source: RFC 6455, section 4.2.
fn accept_key(headers: &HeaderMap) -> Result<String, Refusal> {
    let bad_request = |text| Refusal::new(StatusCode::BAD_REQUEST, text);
    if !has_token(headers, &header::CONNECTION, "upgrade") {
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

/// Takes the socket back from the HTTP library and hands it to its shard.
async fn hand_over(state: Arc<State>, upgrade: OnUpgrade, claim: Claim, caller: Option<Caller>) {
    let id = claim.identity().id.clone();
    let socket = match upgrade.await.map_err(io::Error::other).and_then(new_socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(connection = %id, %error, "an upgrade was not completed");
            return state.tokens.transport_failed(&id);
        }
    };
    let taken = match claim {
        Claim::New { identity, terms } => {
            let carrier = NewCarrier::WebSocket(socket);
            state.hubs.adopt(Newcomer { identity, terms, carrier, caller }).await
        }
        Claim::Resume(_) => state.hubs.resume(&id, socket).await,
    };
    if taken.is_err() {
        state.tokens.release(&id);
    }
}

fn new_socket(upgraded: Upgraded) -> io::Result<NewSocket> {
    let UpgradedSocket { stream, early } = take_socket(upgraded)?;
    Ok(NewSocket { socket: stream.into_std()?, early: BytesMut::from(early) })
}
