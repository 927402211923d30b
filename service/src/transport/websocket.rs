//! The way from an HTTP request to a plain socket that a shard owns.

use std::{io, sync::Arc};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use http::{HeaderMap, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use signalr_http_server::{Afterwards, UpgradedSocket, take_socket};
use signalr_serverless::ConnectionId;
use tungstenite::handshake::derive_accept_key;

use super::{
    claim::{announce, claim, refusal, take_over},
    endpoint::{Client, Refusal},
    headers::has_token,
};
use crate::{
    admission::Place,
    app_server::AppClient,
    broker::Interest,
    carrier::{Carrier, Stream, Transport, WebSocket},
    hub::{Stopping, work::NewConnection},
    identity::Identity,
    login::LoginClaims,
    session::Terms,
    state::State,
    tokens::{Claim, ClaimError, TokenGuard},
    upstream::Caller,
};

/// `GET /client/?hub=…&id=…` with an upgrade. Without `id` the client skips the negotiation.
pub(crate) async fn connect(
    state: Arc<State>,
    mut client: Client,
    mut request: Request,
) -> Result<Response, Refusal> {
    let accept = accept_key(request.headers())?;
    let destination = Destination::find(&state, &mut client).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    let hand_over = hand_over(state, upgrade, destination);
    match request.extensions().get::<Afterwards>() {
        Some(afterwards) => afterwards.set(hand_over),
        None => drop(tokio::spawn(hand_over)),
    }
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// The refusal of a WebSocket whose upgrade did not arrive. The request must not be handled as a
/// poll, because it would begin a connection that the client never polls.
pub(crate) fn no_upgrade() -> Refusal {
    let text = "a proxy on the way dropped the headers Upgrade and Connection; let it pass them on";
    Refusal::new(StatusCode::UPGRADE_REQUIRED, text)
}

/// The connection that gets the socket.
#[expect(
    clippy::large_enum_variant,
    reason = "most sockets are of new connections, and each is here once"
)]
enum Destination {
    New {
        identity: Arc<Identity>,
        terms: Terms,
        place: Place,
        token: Option<TokenGuard>,
        interests: Vec<Interest>,
        claims: LoginClaims,
        caller: Option<Caller>,
        app: Option<Box<AppClient>>,
    },
    /// A connection that lost its earlier socket.
    Resumed(Arc<Identity>),
}

impl Destination {
    async fn find(state: &State, client: &mut Client) -> Result<Self, Refusal> {
        let (identity, terms, token) = match client.query.first("id") {
            Some(token) => match claim(state, client, token, Transport::WebSockets).await {
                Ok(Claim::New { identity, terms, guard }) => {
                    client.check_time()?;
                    (identity, terms, Some(guard))
                }
                Ok(Claim::Resume(identity)) => {
                    check_renewed(state, client, &identity).await?;
                    return Ok(Self::Resumed(identity));
                }
                Err(ClaimError::Elsewhere(id)) => {
                    let token = token.to_owned();
                    if let Some(identity) = take_over(state, client, &token, &id).await? {
                        return Ok(Self::Resumed(identity));
                    }
                    client.check_time()?;
                    return Err(refusal(state, client, ClaimError::Elsewhere(id)).await);
                }
                Err(error) => {
                    client.check_time()?;
                    return Err(refusal(state, client, error).await);
                }
            },
            None => {
                // A client that negotiated was already counted in its negotiation.
                Client::check_rate(state)?;
                (client.new_identity()?, client.terms.clone(), None)
            }
        };
        state.open_for_clients().map_err(Refusal::stopping)?;
        let place = client.admit(state, &identity)?;
        let interests = announce(state, &identity).await?;
        let app = client.app(state, &identity)?;
        let claims = LoginClaims::new(&client.claims());
        let caller = client.caller(&identity);
        Ok(Self::New { identity, terms, place, token, interests, claims, caller, app })
    }

    fn connection(&self) -> &ConnectionId {
        match self {
            Self::New { identity, .. } | Self::Resumed(identity) => &identity.id,
        }
    }

    async fn take(self, state: &State, socket: WebSocket) -> Result<(), Stopping> {
        match self {
            Self::New { identity, terms, place, token, interests, claims, caller, app } => {
                let carrier = Carrier::WebSocket(socket);
                let connection = NewConnection {
                    identity,
                    terms,
                    carrier,
                    place,
                    token,
                    interests,
                    claims,
                    caller,
                    app,
                };
                state.hubs.adopt(connection).await
            }
            Self::Resumed(identity) => state.hubs.resume(&identity.id, socket).await,
        }
    }
}

/// Refuses to continue with an expired access token, unless the login was renewed.
async fn check_renewed(state: &State, client: &Client, identity: &Identity) -> Result<(), Refusal> {
    let expired = client.check_time();
    if expired.is_err() && !state.hubs.may_resume(&identity.id).await.map_err(Refusal::stopping)? {
        return expired;
    }
    Ok(())
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

/// Takes the socket back from the HTTP library and gives it to its shard.
async fn hand_over(state: Arc<State>, upgrade: OnUpgrade, destination: Destination) {
    let socket = upgrade.await.map_err(io::Error::other).and_then(|upgraded| {
        let UpgradedSocket { stream, tls, early, place } = take_socket(upgraded)?;
        let socket = state.hubs.register(destination.connection(), stream.into_std()?)?;
        let stream = Stream::new(socket, tls.map(|tls| *tls));
        Ok(WebSocket::new(stream, place, BytesMut::from(early), state.queue_budget.clone()))
    });
    match socket {
        // At the end of the service the socket is dropped, which the client notices.
        Ok(socket) => drop(destination.take(&state, socket).await),
        Err(error) => {
            let connection = destination.connection();
            tracing::debug!(%connection, %error, "an upgrade was not completed");
        }
    }
}
