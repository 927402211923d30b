//! The messages of clients on transports that only carry messages to them: one POST for each batch
//! of messages.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use signalr_serverless::{HubName, UserId};

use super::{
    endpoint::{Client, Refusal, required_token},
    relay::{self, Relayed},
};
use crate::{
    carrier::Transport,
    hub::work::{PostAnswer, TokenTime},
    request_body,
    state::State,
};

/// `POST /client/?hub=…&id=…`
pub(super) async fn receive(
    state: &State,
    client: &Client,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    let here = state.tokens.connected(token, client.hub_and_user()).map(|(_, transport)| transport);
    match here {
        Ok(Transport::WebSockets) => return Err(websockets_do_not_post()),
        Ok(_) => {}
        Err(error) => {
            let connection = relay::elsewhere(state, client, token, error)?;
            let (limit, budget) = (state.max_client_message, &state.queue_budget);
            let bytes = request_body::read(headers, body, limit, budget).await?;
            return relay::send(state, client, token, &connection, Relayed::Post(bytes)).await;
        }
    }
    let (limit, budget) = (state.max_client_message, &state.queue_budget);
    let bytes = request_body::read(headers, body, limit, budget).await?;
    let taken = take(state, client.hub_and_user(), token, client.token_time(), bytes).await;
    taken.map_err(|refusal| client.explain(refusal))
}

/// Passes the messages that a client posted to its connection.
pub(super) async fn take(
    state: &State,
    client: (&HubName, Option<&UserId>),
    token: &str,
    access: TokenTime,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let (identity, transport) = state.tokens.connected(token, client)?;
    if transport == Transport::WebSockets {
        return Err(websockets_do_not_post());
    }
    let taken = state.hubs.receive(&identity.id, bytes, access).await;
    match taken.map_err(Refusal::stopping)? {
        Some(PostAnswer::Taken) => Ok(([("content-type", "text/plain")], "").into_response()),
        Some(PostAnswer::TokenExpired) => Err(Refusal::expired_token()),
        None => Err(Refusal::unknown_connection()),
    }
}

fn websockets_do_not_post() -> Refusal {
    let text = "POST requests are not allowed for WebSocket connections.";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text)
}
