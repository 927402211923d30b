//! How the body of a request is read: no further and no longer than it may go.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::budget::QueueBudget;

/// How long a caller may take to send a body.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A body of this size is accepted even if too many bytes are held in all: a message that is sent
/// closes slow clients, and a ping keeps its client.
const ALWAYS_TAKEN: usize = 64 * 1024;

/// Why a body was not read. The texts are for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is larger than {0} bytes; send less at once")]
    TooLarge(usize),
    #[error("the body did not come within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    #[error(
        "too much is held for all clients together; send at most {ALWAYS_TAKEN} bytes, or later"
    )]
    NoRoom,
    #[error("the body broke off: {0}")]
    BrokenOff(axum::BoxError),
}

impl BodyError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::BrokenOff(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most `limit` bytes. One that says that it is larger is not read at all. It counts
/// in `budget` until nobody has it any more.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    budget: &QueueBudget,
) -> Result<Bytes, BodyError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge(limit));
    }
    let read = collect(body, limit, budget);
    timeout(TIME_LIMIT, read).await.unwrap_or(Err(BodyError::TooSlow(TIME_LIMIT)))
}

async fn collect(mut body: Body, limit: usize, budget: &QueueBudget) -> Result<Bytes, BodyError> {
    let mut share = budget.share();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::BrokenOff(error.into()))?;
        // Anything else is trailers.
        let Ok(chunk) = frame.into_data() else { continue };
        let bytes = whole.len().saturating_add(chunk.len());
        if bytes > limit {
            return Err(BodyError::TooLarge(limit));
        }
        if bytes > ALWAYS_TAKEN && budget.is_over() {
            return Err(BodyError::NoRoom);
        }
        share.set(bytes);
        whole.extend_from_slice(&chunk);
    }
    Ok(share.hand_over(whole.freeze()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn read_of(size: usize, budget: &QueueBudget) -> Result<Bytes, BodyError> {
        read(&HeaderMap::new(), Body::from(vec![b'x'; size]), 1 << 20, budget).await
    }

    #[tokio::test]
    async fn bodies_count_until_nobody_has_them_and_large_ones_need_room() {
        let budget = QueueBudget::new(100_000, Arc::default());
        let first = read_of(100_001, &budget).await.unwrap();
        assert!(budget.is_over());
        let problem = read_of(ALWAYS_TAKEN + 1, &budget).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(read_of(ALWAYS_TAKEN, &budget).await.unwrap().len(), ALWAYS_TAKEN);
        drop(first);
        assert!(!budget.is_over());
        assert!(read_of(ALWAYS_TAKEN + 1, &budget).await.is_ok());
    }
}
