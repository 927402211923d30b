//! How the body of a request is read: no further and no longer than it may go.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

/// How long a caller may take to send a body.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Why a body was not read. The texts are for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {0} bytes; send less at once")]
    TooLarge(usize),
    #[error("the body did not come within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    #[error("the body broke off: {0}")]
    BrokenOff(axum::BoxError),
}

impl BodyError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most `limit` bytes. One that says that it is larger is not read at all.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge(limit));
    }
    let read = timeout(TIME_LIMIT, Limited::new(body, limit).collect());
    match read.await.map_err(|_| BodyError::TooSlow(TIME_LIMIT))? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(limit)),
        Err(error) => Err(BodyError::BrokenOff(error)),
    }
}
