//! Error answers of the dashboard's API.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use signalr_serverless::NameError;

use crate::{
    hub::{Refused, Stopping},
    request_body::BodyError,
    trace::TooManyViewers,
};

/// A status and a text for people.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    text: String,
}

impl Error {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// The error for a field with an invalid name.
    pub(super) fn bad_name(field: &str, error: &NameError) -> Self {
        Self::bad(format!("{field}: {error}"))
    }

    pub(super) fn no_login() -> Self {
        let text = "log in first: POST the access key to /dashboard/api/login";
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    pub(super) fn wrong_key() -> Self {
        let text = "this is not an access key of the service";
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    pub(super) fn forged() -> Self {
        let text =
            "the header x-csrf-token is not the login's token, which /dashboard/api/session names";
        Self::new(StatusCode::FORBIDDEN, text)
    }

    pub(super) fn not_json(came: &str) -> Self {
        let text = format!("content-type '{came}' is not taken; use application/json");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    pub(super) fn no_connection() -> Self {
        Self::new(StatusCode::NOT_FOUND, "the connection is not open")
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "the dashboard has no such path")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method")
    }

    /// The service itself failed. The page learns no details.
    pub(super) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request of the dashboard failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed; try again later")
    }
}

impl From<Stopping> for Error {
    fn from(stopping: Stopping) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, stopping.to_string())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, refused.to_string())
    }
}

impl From<TooManyViewers> for Error {
    fn from(viewers: TooManyViewers) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, viewers.to_string())
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.text }))).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // With this scheme browsers show no password dialog.
            let challenge = HeaderValue::from_static("Cookie realm=\"dashboard\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
