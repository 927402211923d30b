//! Azure Functions: the custom handler's calls that are not plain HTTP.
//!
//! The host proxies or forwards the calls of an HTTP function as they are, with `/api` in front. For
//! every other trigger, and for HTTP where it is told to do neither, it POSTs an envelope to
//! `/<FunctionName>`.
//!
//! Whoever can make the host pass on a request of their own to a path without `/api` could send an
//! envelope with forged headers. That takes another `routePrefix` than `api`, which is why the
//! prefix in `host.json` must stay as it is.
//! Sources: <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>,
//! <https://github.com/Azure/azure-functions-host/issues/6251>

mod envelope;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use self::envelope::{Call, Envelope, Outcome};
use crate::{problem::Problem, trigger};

/// The longest envelope, in bytes: a body of the largest size, escaped, with all that goes around it.
const ENVELOPE_LIMIT: usize = 4 * 1024 * 1024;

/// Puts the host's envelopes in front of the functions.
pub(crate) fn with_envelopes(functions: Router) -> Router {
    Router::new().fallback(dispatch).with_state(functions)
}

async fn dispatch(State(functions): State<Router>, request: Request) -> Response {
    if !is_enveloped(request.method(), request.uri().path()) {
        return match functions.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
    }
    match open(&functions, request).await {
        Ok(outcome) => Json(outcome).into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Whether the path is a function's name alone.
fn is_enveloped(method: &Method, path: &str) -> bool {
    let name = path.strip_prefix('/').unwrap_or(path);
    *method == Method::POST && !name.is_empty() && !name.contains('/')
}

/// Does what the envelope asks for. An HTTP call gets its answer, good or bad, in the outcome; that
/// of another trigger only succeeds or fails, and the host tries it again where that is its way.
async fn open(functions: &Router, request: Request) -> Result<Outcome, Problem> {
    let body = to_bytes(request.into_body(), ENVELOPE_LIMIT).await.map_err(|_| {
        let detail = format!("the envelope is longer than {ENVELOPE_LIMIT} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    match Envelope::parse(&body).map_err(Problem::bad_request)?.call() {
        Ok(Call::Http(request)) => {
            let answer = match functions.clone().oneshot(*request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            Ok(Outcome::of_http(answer).await)
        }
        Ok(Call::Trigger(brought)) => match trigger::deliver(functions, &brought).await {
            Ok(()) => Ok(Outcome::done()),
            Err(reason) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, reason)),
        },
        Err(problem) => Err(Problem::bad_request(problem)),
    }
}

#[cfg(test)]
mod tests;
