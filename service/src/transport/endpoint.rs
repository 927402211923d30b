//! What every request to the client endpoint has in common: a hub, a token, and errors as text.

use std::time::SystemTime;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use signalr_serverless::{HubName, UserId};

use crate::{
    auth::{self, AuthError},
    query::Query,
    state::State,
};

/// A client whose token was checked.
pub(crate) struct Client {
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
    pub(crate) query: Query,
}

/// Why a request to the client endpoint is refused, as the status and the text the client gets.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// Something in the service itself failed; the client only learns that.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a client could not be served");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed; try again later")
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.text.clone()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = auth::challenge(&self.text);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        response
    }
}

impl Client {
    /// Checks who is calling.
    pub(crate) fn authenticate(
        state: &State,
        uri: &Uri,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Self, Refusal> {
        let query = Query::parse(uri.query());
        let hub = parse_hub(&query)?;
        // Browsers cannot set headers on these two requests.
        let may_be_in_query = headers.contains_key(header::UPGRADE)
            || headers
                .get(header::ACCEPT)
                .and_then(|accept| accept.to_str().ok())
                .is_some_and(|accept| accept.contains("text/event-stream"));
        let in_query = query.all("access_token").next_back().filter(|_| may_be_in_query);
        let token = auth::bearer(headers).or(in_query).ok_or(AuthError::Missing)?;
        let user = state.verifier.verify_client(token, &auth::hosts(headers), &hub, now)?;
        Ok(Self { hub, user, query })
    }
}

fn parse_hub(query: &Query) -> Result<HubName, Refusal> {
    let bad_request = |text: String| Refusal::new(StatusCode::BAD_REQUEST, text);
    let mut hubs = query.all("hub");
    match (hubs.next(), hubs.next()) {
        (Some(hub), None) => HubName::parse(hub).map_err(|error| bad_request(error.to_string())),
        (None, _) => Err(bad_request("the query parameter 'hub' is missing".to_owned())),
        (Some(_), Some(_)) => {
            Err(bad_request("the query parameter 'hub' is there more than once".to_owned()))
        }
    }
}
