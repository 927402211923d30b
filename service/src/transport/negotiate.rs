//! The negotiation: the available transports, and the id and the token of the new connection.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json,
    extract::{Request, State as Extract},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::{Serialize, Serializer};

use super::endpoint::{Client, Refusal};
use crate::{
    carrier::{Transport, Transports},
    cluster::Cluster,
    random_id::random_id,
    session::Terms,
    state::State,
    tokens::NewToken,
};

/// The answer. Source: `TransportProtocols.md` of ASP.NET Core.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Negotiation {
    negotiate_version: u8,
    connection_id: String,
    /// Version 0 has no token: the client connects with the id itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_token: Option<String>,
    available_transports: Vec<AvailableTransport>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    use_stateful_reconnect: bool,
    /// How long the login lasts, for a client that renews it. Source: ASP.NET Core 11.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_lifetime_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AvailableTransport {
    #[serde(serialize_with = "by_name")]
    transport: Transport,
    transfer_formats: &'static [&'static str],
}

/// The transports, from the best to the worst.
const TRANSPORTS: [Transport; 3] =
    [Transport::WebSockets, Transport::ServerSentEvents, Transport::LongPolling];

fn available(allowed: Transports) -> Vec<AvailableTransport> {
    let allowed = TRANSPORTS.into_iter().filter(|transport| allowed.contain(*transport));
    let described = allowed.map(|transport| AvailableTransport {
        transport,
        transfer_formats: if transport.is_text_only() { &["Text"] } else { &["Text", "Binary"] },
    });
    described.collect()
}

fn by_name<S: Serializer>(transport: &Transport, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match transport {
        Transport::WebSockets => "WebSockets",
        Transport::ServerSentEvents => "ServerSentEvents",
        Transport::LongPolling => "LongPolling",
    })
}

/// `POST /client/negotiate?hub=…&negotiateVersion=1`
pub(crate) async fn negotiate(
    Extract(state): Extract<Arc<State>>,
    request: Request,
) -> Result<Response, Refusal> {
    let now = SystemTime::now();
    let client = Client::authenticate(&state, &request, now)?;
    client.check_time()?;
    state.open_for_clients().map_err(Refusal::stopping)?;
    client.check_socket(&state)?;
    Client::check_rate(&state)?;
    let asked = client.query.first("negotiateVersion").unwrap_or("0");
    let Ok(asked) = asked.parse::<u32>() else {
        let error = format!("negotiateVersion '{asked}' is not a whole number; use 1");
        return Ok(Json(serde_json::json!({ "error": error })).into_response());
    };
    let is_stateful = client
        .query
        .first("useStatefulReconnect")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let available_transports = available(client.transports);
    // A client of version 0 has no secret with which it could renew its login.
    let token_lifetime_seconds = client.login_left(now).filter(|_| asked > 0);
    let (id, connection_token) = issue(&state, client, asked == 0, is_stateful)?;
    let negotiation = Negotiation {
        negotiate_version: u8::from(asked > 0),
        connection_id: id,
        connection_token,
        available_transports,
        use_stateful_reconnect: is_stateful,
        token_lifetime_seconds,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(negotiation)).into_response())
}

/// The id and the token of a new connection. A client of version 0 has only the id.
fn issue(
    state: &State,
    client: Client,
    is_id: bool,
    is_stateful: bool,
) -> Result<(String, Option<String>), Refusal> {
    if let Cluster::Joined(_) = state.cluster {
        let (keys, now) = (state.keys.current(), SystemTime::now());
        let new = keys.connection.issue(client.hub_and_user(), is_stateful, is_id, now);
        let NewToken { token, connection } = new.map_err(|error| Refusal::internal(&error))?;
        return Ok((connection.to_string(), (!is_id).then_some(token)));
    }
    let identity = client.new_identity()?;
    let id = identity.id.to_string();
    let token = match is_id {
        true => None,
        false => Some(random_id().map_err(|error| Refusal::internal(&error))?),
    };
    let terms = Terms { is_stateful, ..client.terms };
    state.tokens.issue(token.as_ref().unwrap_or(&id), identity, terms);
    Ok((id, token))
}

/// Any other method on the same path.
pub(crate) async fn only_post() -> Response {
    let text = "negotiate takes POST only";
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text).into_response()
}
