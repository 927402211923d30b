//! The renewal of a login by its client. The client shows another access token of the same user,
//! and its connection continues. Source: ASP.NET Core 11, whose clients ask for it.

use std::time::SystemTime;

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use signalr_serverless::ConnectionId;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::endpoint::{Client, Refusal};
use crate::{
    login::{LoginEnd, NewClaims, OtherUser, Renewal},
    session::Seconds,
    state::State,
};

/// The answer. Source: `HttpConnectionDispatcher` of ASP.NET Core 11.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    connection_id: ConnectionId,
    refreshed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_lifetime_seconds: Option<u64>,
}

/// The reason why a login is not renewed: a code for programs, and a text for people.
#[derive(Debug)]
pub(super) struct NotRefreshed {
    error: &'static str,
    refusal: Refusal,
}

impl NotRefreshed {
    fn new(status: StatusCode, error: &'static str, text: &str) -> Self {
        Self { error, refusal: Refusal::new(status, text) }
    }

    /// The answer to the client. The refusal is counted.
    pub(super) fn answer(self, state: &State, hub: Option<&str>) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            error_description: &'a str,
        }
        let Self { error, refusal } = self;
        refusal.note(state, hub);
        let body = Json(Body { error, error_description: refusal.text() }).into_response();
        let (parts, body) = body.into_parts();
        let mut response = refusal.into_response();
        *response.body_mut() = body;
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            response.headers_mut().remove(&name);
            if let Some(value) = parts.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

impl From<Refusal> for NotRefreshed {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal.status() {
            StatusCode::UNAUTHORIZED => "invalid_token",
            StatusCode::BAD_REQUEST => "invalid_request",
            StatusCode::NOT_FOUND => "connection_not_found",
            _ => "unavailable",
        };
        Self { error, refusal }
    }
}

/// `POST /client/refresh?hub=…&id=…`
pub(super) async fn refresh(state: &State, request: Request) -> Result<Response, NotRefreshed> {
    let now = SystemTime::now();
    let client = Client::authenticate(state, &request, now)?;
    drop(request);
    client.check_time()?;
    let Some(token) = client.query.first("id").filter(|id| !id.is_empty()) else {
        let text = "the query has no 'id', which is the connection token of the negotiation";
        return Err(NotRefreshed::new(StatusCode::BAD_REQUEST, "missing_connection_token", text));
    };
    let connection = state.open_connection(token, &client.hub);
    let connection = connection.ok_or_else(Refusal::unknown_connection)?;
    let claims = Some(NewClaims::OfToken(client.claims()));
    let renewal = Renewal { ends: login_end(&client, now), claims };
    let asked = state.cluster.login(client.hub.clone(), connection.clone(), Some(renewal)).await;
    match asked.map_err(Refusal::from)?.ok_or_else(Refusal::unknown_connection)? {
        Ok(_) => {}
        Err(OtherUser) => {
            let text = "the access token names another user than the connection's";
            let status = StatusCode::FORBIDDEN;
            return Err(NotRefreshed::new(status, "permission_change_rejected", text));
        }
    }
    let refreshed = Refreshed {
        connection_id: connection,
        refreshed_at: written(now),
        token_lifetime_seconds: client.login_left(now),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(refreshed)).into_response())
}

/// Any other method on the same path.
pub(super) async fn only_post() -> Response {
    let text = "refresh takes POST only";
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text).into_response()
}

fn login_end(client: &Client, now: SystemTime) -> Option<LoginEnd> {
    let left = Seconds::try_from(client.login_left(now)?).unwrap_or(Seconds::MAX);
    Some(LoginEnd::At { epoch: client.login_end?, left })
}

#[expect(clippy::expect_used, reason = "the clock of the system shows no year beyond 9999")]
fn written(time: SystemTime) -> String {
    OffsetDateTime::from(time).format(&Rfc3339).expect("the year has four digits")
}
