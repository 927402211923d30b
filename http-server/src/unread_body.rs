//! Answers that are ready before the body of their request was read, such as refusals.
//!
//! Nothing reads such a body any more, so no other request can follow it on its connection. The answer
//! must say so with `Connection: close`. The HTTP library learns at its next read that a body was
//! dropped, so the answer waits for that read. If the rest of the body has arrived by then, as with a
//! short body, the library drops it and the connection stays.
//!
//! If the body was read to its end, the answer goes at once.

use hyper::{Request, body::Incoming};
use tokio::task::yield_now;
use tower::{Service, ServiceExt};

use crate::request_body::RequestBody;

/// Answers one request.
pub(crate) async fn answer<S>(
    service: S,
    request: Request<Incoming>,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<RequestBody>>,
{
    let (parts, body) = request.into_parts();
    let (body, is_read) = RequestBody::new(body);
    let answer = service.oneshot(Request::from_parts(parts, body)).await;
    if is_read.is_some_and(|is_read| !is_read.get()) {
        // The connection reads each time its task runs, before it polls this future again.
        yield_now().await;
    }
    answer
}
