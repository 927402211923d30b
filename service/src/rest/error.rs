//! The error of an operation: a text for the caller, and a cause for the log only.

use std::{fmt, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use signalr_serverless::{NameError, error_code};

use crate::{
    auth::{self, AuthError},
    hub::{Refused, Stopping},
    request_body::BodyError,
};

const ERROR_CODE: HeaderName = HeaderName::from_static(error_code::HEADER);

/// A refused call: a status, a code for programs and a text for people.
#[derive(Debug)]
pub(crate) struct Error {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// The parameter or field that is wrong.
    target: Option<&'static str>,
}

/// The error body of the published description.
#[derive(Serialize)]
struct ErrorDetail<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

impl Error {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), target: None }
    }

    /// The error for a parameter or field that is not valid.
    pub(crate) fn bad(target: &'static str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, error_code::BAD_REQUEST, message);
        Self { target: Some(target), ..error }
    }

    pub(crate) fn bad_name(target: &'static str, error: &NameError) -> Self {
        Self::bad(target, error.to_string())
    }

    pub(crate) fn unsupported_media_type(came: &str) -> Self {
        let message = format!(
            "content-type '{came}' is not taken; use application/json, application/x-msgpack or application/octet-stream"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error_code::UNSUPPORTED_MEDIA_TYPE, message)
    }

    pub(crate) fn unsupported_encoding(came: &str) -> Self {
        let message = format!(
            "content-encoding '{came}' is not taken; send the body as it is, not compressed"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error_code::UNSUPPORTED_MEDIA_TYPE, message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "this path does not take that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, error_code::METHOD_NOT_ALLOWED, message)
    }

    pub(crate) fn no_such_path() -> Self {
        let message = "there is no such path; operations begin with /api/v1/hubs/ or /api/hubs/";
        Self::new(StatusCode::NOT_FOUND, error_code::NOT_FOUND, message)
    }

    pub(crate) fn invocation_failed(error: &str) -> Self {
        let message = format!("the client answered with an error: {error}");
        Self::new(StatusCode::BAD_REQUEST, error_code::INVOCATION_FAILED, message)
    }

    pub(crate) fn invocation_timed_out(limit: Duration) -> Self {
        let message = format!("the client did not answer within {} seconds", limit.as_secs());
        Self::new(StatusCode::GATEWAY_TIMEOUT, error_code::INVOCATION_TIMEOUT, message)
    }

    /// The service itself failed. The caller learns no details.
    pub(crate) fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "a call failed");
        let message = "the service failed; try again later";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error_code::INTERNAL, message)
    }

    /// The error if the most allowed calls already run.
    pub(crate) fn too_many_calls() -> Self {
        let message = "as many calls as the service takes at once are under way; try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, error_code::TOO_MANY_REQUESTS, message)
    }

    pub(crate) fn no_connection() -> Self {
        Self::absent(error_code::CONNECTION_ALREADY_GONE, "the connection is not open")
    }

    pub(crate) fn no_connection_to_add() -> Self {
        Self::absent(error_code::CONNECTION_NOT_EXISTED, "the connection is not open")
    }

    pub(crate) fn no_connection_to_call() -> Self {
        let message = "the connection is not open, or ended before the client answered";
        Self::absent(error_code::CONNECTION_NOT_EXISTED, message)
    }

    pub(crate) fn no_login() -> Self {
        let message = "no open connection of this hub has that connectionToken; it is the secret one of a negotiation of version 1";
        Self::absent(error_code::CONNECTION_NOT_EXISTED, message)
    }

    pub(crate) fn login_of_another() -> Self {
        let message = "the claims name another user than the connection's, and nothing was changed";
        Self::new(StatusCode::FORBIDDEN, error_code::OTHER_USER, message)
    }

    pub(crate) fn no_user() -> Self {
        Self::absent(error_code::USER_NOT_EXISTED, "the user has no open connection")
    }

    pub(crate) fn no_group() -> Self {
        Self::absent(error_code::GROUP_NOT_EXISTED, "the group has no open connection")
    }

    pub(crate) fn user_not_in_group() -> Self {
        Self::absent(error_code::USER_NOT_IN_GROUP, "the user is not in the group")
    }

    fn absent(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        let (status, code) = match &error {
            AuthError::NoRole(_) => (StatusCode::FORBIDDEN, error_code::FORBIDDEN),
            AuthError::NoEntraKeys(_) => (StatusCode::SERVICE_UNAVAILABLE, error_code::UNAVAILABLE),
            _ => (StatusCode::UNAUTHORIZED, error_code::UNAUTHORIZED),
        };
        tracing::warn!(reason = %error, "the token of a call is refused");
        Self::new(status, code, error.to_string())
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        let (target, code) = match &error {
            BodyError::TooLarge(_) => (None, error_code::PAYLOAD_TOO_LARGE),
            BodyError::TooSlow(_) => (None, error_code::REQUEST_TIMEOUT),
            BodyError::NoRoom => (None, error_code::UNAVAILABLE),
            BodyError::BrokenOff(_) => (Some("body"), error_code::BAD_REQUEST),
        };
        Self { target, ..Self::new(error.status(), code, error.to_string()) }
    }
}

impl From<Stopping> for Error {
    fn from(stopping: Stopping) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error_code::UNAVAILABLE, stopping.to_string())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error_code::UNAVAILABLE, text)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let Self { status, code, message, target } = self;
        let mut response =
            (status, Json(ErrorDetail { code, message: &message, target })).into_response();
        response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, auth::challenge(&message));
        }
        response
    }
}
