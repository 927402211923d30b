//! What clients of the transports without a way back send: a POST for each batch of messages.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::endpoint::{Client, Refusal, required_token};
use crate::{carrier::Transport, state::State};

/// `POST /client/?hub=…&id=…`
pub(super) async fn receive(
    state: &State,
    client: &Client,
    body: Body,
) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    let (identity, transport) = state.tokens.connected(token, client.hub_and_user())?;
    if transport == Transport::WebSockets {
        let text = "POST requests are not allowed for WebSocket connections.";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let limit = state.max_client_message;
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let text = format!("the body is larger than {limit} bytes; send less at once");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
        } else {
            Refusal::new(StatusCode::BAD_REQUEST, format!("the body broke off: {error}"))
        }
    })?;
    let taken =
        state.hubs.receive(&identity.id, body.to_bytes()).await.map_err(Refusal::stopping)?;
    if taken {
        Ok(([("content-type", "text/plain")], "").into_response())
    } else {
        Err(Refusal::unknown_connection())
    }
}
