//! Errors as `application/problem+json` (RFC 9457).

use std::sync::Arc;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use signalr_serverless::{Error, Fault};

/// An error answer. Its `detail` says what came, what is wrong with it and what would be right.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

#[derive(Debug, Serialize)]
struct Members {
    /// A URI that identifies the kind of problem. `about:blank` means that the status is enough.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<serde_json::Value>,
    /// The text for the operator, if it is not for callers.
    #[serde(skip)]
    cause: Option<String>,
    /// A header of the answer.
    #[serde(skip)]
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    /// Makes a problem with this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Members {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            index: None,
            results: None,
            cause: None,
            header: None,
        }))
    }

    /// A request that must be changed before it can work.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Adds the index of the wrong item in an array, counted from 0.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.0.index = Some(index);
        self
    }

    /// Adds the result of each item.
    #[must_use]
    pub fn with_results(mut self, results: serde_json::Value) -> Self {
        self.0.results = Some(results);
        self
    }

    /// Adds a text for the operator that is not for callers.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The text for the operator. It says more than the detail if callers must not see everything.
    pub(crate) fn told_to_operator(&self) -> &str {
        self.0.cause.as_deref().unwrap_or(&self.0.detail)
    }

    /// A call that has no answer at its deadline.
    pub(crate) fn time_is_up() -> Self {
        let detail = "there was no answer before the time of the call was up; what was asked may or may not be done";
        Self::new(StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// A method that the path does not accept. `allow` lists the accepted methods.
    pub(crate) fn method_not_allowed(allow: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, detail);
        problem.0.header = Some((header::ALLOW, allow));
        problem
    }

    /// A call whose bearer token is missing or not good.
    pub(crate) fn unauthorized_bearer(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, detail);
        problem.0.header = Some((header::WWW_AUTHENTICATE, "Bearer"));
        problem
    }

    /// A text that says what came, what is wrong with it and what would be right.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

/// The text for the operator, in the extensions of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Arc<str>);

/// Turns an error of the SDK into an answer: 502 if the service or the network failed, 400 if the
/// caller's input is wrong, 500 if the set-up is wrong.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match (&error, error.fault()) {
            (Error::Refused(_), _) | (_, Fault::Service | Fault::Network) => {
                StatusCode::BAD_GATEWAY
            }
            (_, Fault::Caller) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let detail = match &error {
            // The text names the function's identity and directory, and everyone may call
            // negotiate.
            Error::EntraToken { .. } => {
                "the function cannot prove to the service who it is; its log says why".to_owned()
            }
            error => error.to_string(),
        };
        Self::new(status, detail).because(error.with_causes())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response =
            (self.0.status, [(header::CONTENT_TYPE, content_type)], body_of(&self)).into_response();
        if self.0.status.is_server_error() {
            response.extensions_mut().insert(Failure(self.told_to_operator().into()));
        }
        if let Some((name, value)) = self.0.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[expect(clippy::expect_used, reason = "strings, numbers and a Value always serialise")]
fn body_of(problem: &Problem) -> Vec<u8> {
    serde_json::to_vec(problem).expect("a problem has only strings, numbers and JSON values")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let problem = Problem::bad_request("target is missing").at(2);
        assert_eq!(
            String::from_utf8(body_of(&problem)).unwrap(),
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"target is missing","index":2}"#
        );
        let response = problem.into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }

    #[test]
    fn errors_of_the_sdk_become_the_status_of_who_is_at_fault() {
        let too_long = Problem::from(Error::TokenTooLong { size: 5000 });
        assert_eq!(too_long.status(), 400);
        assert!(too_long.0.detail.contains("5000"), "{too_long:?}");
        assert_eq!(Problem::from(Error::EntraNotSupported).status(), 500);
        let identity = Problem::from(Error::EntraToken { problem: "directory x".to_owned() });
        assert_eq!(identity.status(), 500);
        assert!(!identity.detail().contains("directory x"), "{identity:?}");
        assert!(identity.told_to_operator().contains("directory x"), "{identity:?}");
        let source = "connection refused".into();
        let unreachable = Error::Unreachable { endpoint: "host:1".to_owned(), source };
        let unreachable = Problem::from(unreachable);
        assert_eq!(unreachable.status(), 502);
        assert!(unreachable.told_to_operator().ends_with("connection refused"), "{unreachable:?}");
    }
}
