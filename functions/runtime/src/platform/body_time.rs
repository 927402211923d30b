//! How long a caller may take to send a body.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
};
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The time limit for the whole body, from the first read of it.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// Ends the body of a call that takes longer.
pub(super) fn limit(request: Request) -> Request {
    // A call without a body is nothing to wait for.
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(TimedBody { body, end: None }))
}

struct TimedBody {
    body: Body,
    /// The timer, only for a body that did not arrive together with its head.
    end: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(BODY_TIME)));
        end.as_mut()
            .poll(cx)
            .map(|()| Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
