//! The bodies of answers.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use signalr_serverless::rest::ApiVersion;

/// The answer of an operation that succeeded.
pub(super) enum Success {
    /// Only the status of the route.
    Done,
    Body(Response),
}

impl Success {
    pub(super) fn json(body: impl Serialize) -> Self {
        Self::Body(Json(body).into_response())
    }

    pub(super) fn into_response(self, status: StatusCode, version: ApiVersion) -> Response {
        match self {
            Self::Body(response) => response,
            Self::Done if has_body(status, version) => {
                (status, Json(ServiceResponse::success(status))).into_response()
            }
            Self::Done => status.into_response(),
        }
    }
}

/// Whether a success has a body. From 2022-06-01 on, the published descriptions give one to every
/// success except 204.
fn has_body(status: StatusCode, version: ApiVersion) -> bool {
    version.is_in_query() && status != StatusCode::NO_CONTENT
}

/// The body of a success. Source: `ServiceResponse` of the published description.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceResponse {
    status_code: u16,
    level: &'static str,
    scope: &'static str,
    error_kind: &'static str,
    is_success: bool,
}

impl ServiceResponse {
    fn success(status: StatusCode) -> Self {
        Self {
            status_code: status.as_u16(),
            level: "Info",
            scope: "Request",
            error_kind: "Unknown",
            is_success: true,
        }
    }
}
