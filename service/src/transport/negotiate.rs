//! The negotiation: which transports there are, and the id and token of the new connection.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use axum::{
    Json,
    extract::{Request, State as Extract},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use signalr_serverless::ConnectionId;

use super::{
    endpoint::{Client, Refusal},
    tokens::random_id,
};
use crate::{hub::connection::Identity, state::State};

/// The answer. Source: `TransportProtocols.md` of ASP.NET Core.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Negotiation {
    negotiate_version: u8,
    connection_id: String,
    /// Version 0 has no token: the id itself is what connects.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_token: Option<String>,
    available_transports: [Transport; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transport {
    transport: &'static str,
    transfer_formats: [&'static str; 2],
}

const WEB_SOCKETS: Transport =
    Transport { transport: "WebSockets", transfer_formats: ["Text", "Binary"] };

/// `POST /client/negotiate?hub=…&negotiateVersion=1`
pub(crate) async fn negotiate(
    Extract(state): Extract<Arc<State>>,
    request: Request,
) -> Result<Response, Refusal> {
    let client = Client::authenticate(&state, request.uri(), request.headers(), SystemTime::now())?;
    let asked = client.query.first("negotiateVersion").unwrap_or("0");
    let Ok(asked) = asked.parse::<u32>() else {
        let error = format!("negotiateVersion '{asked}' is not a whole number; use 1");
        return Ok(Json(serde_json::json!({ "error": error })).into_response());
    };
    let new_id = || random_id().map_err(|error| Refusal::internal(&error));
    let id = new_id()?;
    let connection_token = if asked == 0 { None } else { Some(new_id()?) };
    let identity = Identity {
        id: ConnectionId::parse(&id).map_err(|error| Refusal::internal(&error))?,
        hub: client.hub,
        user: client.user,
    };
    let token = connection_token.clone().unwrap_or_else(|| id.clone());
    state.tokens.issue(token, Arc::new(identity), Instant::now());
    let negotiation = Negotiation {
        negotiate_version: u8::from(asked > 0),
        connection_id: id,
        connection_token,
        available_transports: [WEB_SOCKETS],
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(negotiation)).into_response())
}

/// Any other method on the same path.
pub(crate) async fn only_post() -> Response {
    let text = "negotiate takes POST only";
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text).into_response()
}
