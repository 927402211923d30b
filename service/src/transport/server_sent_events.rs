//! Server-Sent Events: a response that does not end carries messages to the client, and the client
//! sends its messages by POST. The transport carries text only, so the protocol is JSON.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, header};

use super::{
    claim::{announce, claim, refusal},
    endpoint::{Client, Refusal, required_token},
};
use crate::{
    carrier::{Carrier, Transport, events},
    hub::work::NewConnection,
    login::LoginClaims,
    state::State,
    tokens::Claim,
};

/// `GET /client/?hub=…&id=…` with `Accept: text/event-stream`
pub(super) async fn connect(state: &State, client: &mut Client) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    let claimed = claim(state, client, token, Transport::ServerSentEvents).await;
    let (identity, terms, guard) = match claimed {
        Ok(Claim::New { identity, terms, guard }) => (identity, terms, guard),
        Ok(Claim::Resume(_)) => return Err(Refusal::already_connected()),
        Err(error) => return Err(refusal(state, client, error).await),
    };
    state.open_for_clients().map_err(Refusal::stopping)?;
    let place = client.admit(state, &identity)?;
    let (sink, body) = events::channel(&state.queue_budget);
    let carrier = Carrier::ServerSentEvents(sink);
    let app = client.app(state, &identity)?;
    let claims = LoginClaims::new(&client.claims());
    let caller = client.caller(&identity);
    let interests = announce(state, &identity).await?;
    let token = Some(guard);
    let connection =
        NewConnection { identity, terms, carrier, place, token, interests, claims, caller, app };
    state.hubs.adopt(connection).await.map_err(Refusal::stopping)?;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache,no-store"),
        (header::PRAGMA, "no-cache"),
        (header::CONTENT_ENCODING, "identity"),
        // nginx, and proxies that work in the same way, hold a response back until their buffer is
        // full.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::new(body)).into_response())
}
