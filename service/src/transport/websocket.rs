//! From an HTTP request to a bare socket in the hands of a shard.

use std::{io, sync::Arc};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use signalr_http_server::{UpgradedSocket, take_socket};
use signalr_serverless::ConnectionId;
use tungstenite::handshake::derive_accept_key;

use super::{
    claim::{announce, claim, refusal},
    endpoint::{Client, Refusal},
    headers::has_token,
};
use crate::{
    admission::Place,
    broker::Interest,
    carrier::{Carrier, Stream, Transport, WebSocket},
    hub::{Stopping, work::NewConnection},
    identity::Identity,
    session::Terms,
    state::State,
    tokens::{Claim, TokenGuard},
    upstream::Caller,
};

/// `GET /client/?hub=…&id=…` with an upgrade; without `id`, a client that skips negotiation.
pub(crate) async fn connect(
    state: Arc<State>,
    mut client: Client,
    mut request: Request,
) -> Result<Response, Refusal> {
    let accept = accept_key(request.headers())?;
    let destination = Destination::find(&state, &mut client).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(hand_over(state, upgrade, destination));
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// A WebSocket whose upgrade did not arrive. It must not be taken for a poll: that would begin a
/// connection that nobody polls.
pub(crate) fn no_upgrade() -> Refusal {
    let text = "a proxy on the way dropped the headers Upgrade and Connection; let it pass them on";
    Refusal::new(StatusCode::UPGRADE_REQUIRED, text)
}

/// Where a socket goes once it is there.
enum Destination {
    New {
        identity: Arc<Identity>,
        terms: Terms,
        place: Place,
        token: Option<TokenGuard>,
        interests: Vec<Interest>,
        caller: Option<Caller>,
    },
    /// A connection that lost its socket.
    Resumed(Arc<Identity>),
}

impl Destination {
    async fn find(state: &State, client: &mut Client) -> Result<Self, Refusal> {
        let (identity, terms, token) = match client.query.first("id") {
            Some(token) => match claim(state, client, token, Transport::WebSockets).await {
                Ok(Claim::New { identity, terms, guard }) => (identity, terms, Some(guard)),
                Ok(Claim::Resume(identity)) => return Ok(Self::Resumed(identity)),
                Err(error) => return Err(refusal(state, client, error).await),
            },
            None => {
                // Who negotiated was counted then.
                Client::check_rate(state)?;
                (client.new_identity()?, client.terms.clone(), None)
            }
        };
        state.open_for_clients().map_err(Refusal::stopping)?;
        let place = client.admit(state, &identity)?;
        let interests = announce(state, &identity).await?;
        let caller = client.caller(&identity);
        Ok(Self::New { identity, terms, place, token, interests, caller })
    }

    fn connection(&self) -> &ConnectionId {
        match self {
            Self::New { identity, .. } | Self::Resumed(identity) => &identity.id,
        }
    }

    async fn take(self, state: &State, socket: WebSocket) -> Result<(), Stopping> {
        match self {
            Self::New { identity, terms, place, token, interests, caller } => {
                let carrier = Carrier::WebSocket(socket);
                let connection =
                    NewConnection { identity, terms, carrier, place, token, interests, caller };
                state.hubs.adopt(connection).await
            }
            Self::Resumed(identity) => state.hubs.resume(&identity.id, socket).await,
        }
    }
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
async fn hand_over(state: Arc<State>, upgrade: OnUpgrade, destination: Destination) {
    let socket = upgrade.await.map_err(io::Error::other).and_then(|upgraded| {
        let UpgradedSocket { stream, tls, early, place } = take_socket(upgraded)?;
        let socket = state.hubs.register(destination.connection(), stream.into_std()?)?;
        let stream = Stream::new(socket, tls.map(|tls| *tls));
        Ok(WebSocket::new(stream, place, BytesMut::from(early), state.queue_budget.clone()))
    });
    match socket {
        // At the end of the service the socket is dropped, and so its client learns of it.
        Ok(socket) => drop(destination.take(&state, socket).await),
        Err(error) => {
            let connection = destination.connection();
            tracing::debug!(%connection, %error, "an upgrade was not completed");
        }
    }
}
