//! Long polling: each GET waits for messages, and the client sends its messages by POST.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::{sync::oneshot, time::timeout};

use super::{
    claim::{announce, claim},
    endpoint::{Client, Refusal, required_token},
    relay::{self, Relayed},
};
use crate::{
    carrier::{Carrier, PollAnswer, PollQueue, Transport},
    hub::work::{NewConnection, TokenTime},
    login::LoginClaims,
    session::Terms,
    state::State,
    tokens::{Claim, ClaimError},
};

/// How long a poll waits if the token contains no time for it. Source: ASP.NET Core.
const POLL_TIMEOUT: Duration = Duration::from_secs(90);

/// `GET /client/?hub=…&id=…`: the first request connects, and each later one waits for messages.
pub(super) async fn poll(state: &State, client: &mut Client) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    if client.token_time() == TokenTime::Expired {
        return poll_of_open(state, client, token).await;
    }
    match claim(state, client, token, Transport::LongPolling).await {
        Ok(Claim::New { identity, terms, guard }) => {
            state.open_for_clients().map_err(Refusal::stopping)?;
            let queue = PollQueue::new(&state.queue_budget, state.clock.now());
            let carrier = Carrier::LongPolling(Box::new(queue));
            let place = client.admit(state, &identity)?;
            let app = client.app(state, &identity)?;
            let claims = LoginClaims::new(&client.claims());
            let caller = client.caller(&identity);
            let token = Some(guard);
            let interests = announce(state, &identity).await?;
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
            state.hubs.adopt(connection).await.map_err(Refusal::stopping)?;
            answer(PollAnswer::Messages(Bytes::new()))
        }
        Ok(Claim::Resume(_)) | Err(ClaimError::Connected(Transport::LongPolling)) => {
            wait(state, client, token).await
        }
        Err(ClaimError::Elsewhere(connection)) => {
            poll_elsewhere(state, client, token, &connection).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Answers a poll that cannot begin a connection, because its token has expired.
async fn poll_of_open(state: &State, client: &Client, token: &str) -> Result<Response, Refusal> {
    let Err(error) = state.tokens.connected(token, client.hub_and_user()) else {
        return wait(state, client, token).await;
    };
    match relay::elsewhere(state, client, token, error) {
        Ok(connection) => poll_elsewhere(state, client, token, &connection).await,
        // The client has shown only this token.
        Err(ClaimError::Unknown) => {
            Err(client.check_time().err().unwrap_or_else(Refusal::unknown_connection))
        }
        Err(error) => Err(error.into()),
    }
}

async fn poll_elsewhere(
    state: &State,
    client: &Client,
    token: &str,
    connection: &ConnectionId,
) -> Result<Response, Refusal> {
    let limit = limit(&client.terms);
    relay::send(state, client, token, connection, Relayed::Poll { limit }).await
}

async fn wait(state: &State, client: &Client, token: &str) -> Result<Response, Refusal> {
    let (_, terms) = state.tokens.look_up(token, client.hub_and_user())?;
    let access = client.token_time();
    let answer = wait_for(state, client.hub_and_user(), token, access, limit(&terms)).await;
    // Only this node knows since when the token has been expired.
    answer.map_err(|refusal| client.explain(refusal))
}

fn limit(terms: &Terms) -> Duration {
    terms.poll_interval.map_or(POLL_TIMEOUT, |seconds| Duration::from_secs(seconds.into()))
}

/// Waits for messages to a client.
pub(super) async fn wait_for(
    state: &State,
    client: (&HubName, Option<&UserId>),
    token: &str,
    access: TokenTime,
    limit: Duration,
) -> Result<Response, Refusal> {
    let (identity, transport) = state.tokens.connected(token, client)?;
    if transport != Transport::LongPolling {
        return Err(ClaimError::OtherTransport.into());
    }
    let (waiting, mut answered) = oneshot::channel();
    state.hubs.poll(&identity.id, access, waiting).await.map_err(Refusal::stopping)?;
    let came = match timeout(limit, &mut answered).await {
        Ok(came) => came.ok(),
        Err(_) => {
            // An answer that arrives exactly at the limit is used too.
            answered.close();
            Some(answered.try_recv().unwrap_or(PollAnswer::Messages(Bytes::new())))
        }
    };
    answer(came.unwrap_or(PollAnswer::Ended))
}

/// `DELETE /client/?hub=…&id=…`: the client ends its connection.
pub(super) async fn end(state: &State, client: &Client) -> Result<Response, Refusal> {
    let token = required_token(client)?;
    if let Err(error) = state.tokens.connected(token, client.hub_and_user()) {
        let connection = relay::elsewhere(state, client, token, error)?;
        return relay::send(state, client, token, &connection, Relayed::End).await;
    }
    hang_up(state, client.hub_and_user(), token).await
}

/// Ends a connection because its client asked for that.
pub(super) async fn hang_up(
    state: &State,
    client: (&HubName, Option<&UserId>),
    token: &str,
) -> Result<Response, Refusal> {
    let (identity, transport) = state.tokens.connected(token, client)?;
    if transport != Transport::LongPolling {
        let text = "Cannot terminate this connection using the DELETE endpoint.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    }
    state.hubs.hang_up(&identity.id).await.map_err(Refusal::stopping)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn answer(answer: PollAnswer) -> Result<Response, Refusal> {
    let headers = [
        (header::CACHE_CONTROL, "no-cache, no-store"),
        (header::PRAGMA, "no-cache"),
        (header::EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
    ];
    Ok(match answer {
        PollAnswer::TokenExpired => return Err(Refusal::expired_token()),
        PollAnswer::Ended => (StatusCode::NO_CONTENT, headers).into_response(),
        PollAnswer::Messages(messages) => {
            let content_type =
                if messages.is_empty() { "text/plain" } else { "application/octet-stream" };
            (headers, [(header::CONTENT_TYPE, content_type)], messages).into_response()
        }
    })
}
