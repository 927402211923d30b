//! What clients of the transports without a way back send: a POST for each batch of messages.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};

use super::endpoint::{Client, Refusal, required_token};
use crate::{carrier::Transport, request_body, state::State};

/// `POST /client/?hub=…&id=…`
pub(super) async fn receive(
    state: &State,
    client: &Client,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    let (identity, transport) = state.tokens.connected(token, client.hub_and_user())?;
    if transport == Transport::WebSockets {
        let text = "POST requests are not allowed for WebSocket connections.";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let (limit, budget) = (state.max_client_message, &state.queue_budget);
    let bytes = request_body::read(headers, body, limit, budget).await?;
    let taken = state.hubs.receive(&identity.id, bytes).await.map_err(Refusal::stopping)?;
    if taken {
        Ok(([("content-type", "text/plain")], "").into_response())
    } else {
        Err(Refusal::unknown_connection())
    }
}
