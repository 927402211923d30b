//! Answers that are ready before the body of their request was read, such as refusals.
//!
//! Nobody reads such a body any more, so no other request can follow it on its connection, and the
//! answer must say so: `Connection: close`. The HTTP library learns that a body was dropped when it
//! reads next, so the answer waits for that. If the rest of the body has come by then, as that of a
//! short body has, it is dropped there and the connection stays.

use hyper::{
    Request,
    body::{Body, Incoming},
};
use tokio::task::yield_now;
use tower::{Service, ServiceExt};

/// Answers one request.
pub(crate) async fn answer<S>(
    service: S,
    request: Request<Incoming>,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<Incoming>>,
{
    let has_body = !request.body().is_end_stream();
    let answer = service.oneshot(request).await;
    if has_body {
        // The connection reads whenever its task runs, and before it asks here again.
        yield_now().await;
    }
    answer
}
