//! Azure Functions: calls of the custom handler that are not plain HTTP.
//!
//! The host passes on the calls of an HTTP function with `/api` in front, by proxying or by
//! forwarding. For every other trigger, and for HTTP without proxying and forwarding, it POSTs an
//! envelope to `/<FunctionName>`. That is the name of the function's folder:
//!
//! | folder | what its envelopes may do |
//! |---|---|
//! | `negotiate`, `negotiate-hub` and so on | call this one function |
//! | any other, such as `broadcast-queue`, and `broadcast` | broadcast what a trigger brings |
//! | `warmup` | nothing: the program is running, so it is warm |
//!
//! A caller that could make the host pass on a request to a path without `/api` could send an
//! envelope with forged headers. These rules prevent it:
//!
//! - Proxying encodes the routed path again, so the path stays the same.
//! - Forwarding does not encode it: an encoded `?`, `#`, `\` or `..` then has its special meaning. So
//!   the routes in `function.json` accept only hubs of word characters with single dots between them.
//! - The `routePrefix` in `host.json` stays `api`.
//! - Forwarding keeps the headers of the call. An envelope must have none of the headers that
//!   Azure's front end and browsers add to a call.
//!
//! Sources: <https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>,
//! <https://github.com/Azure/azure-functions-host/issues/6251>, and of that repository
//! `DefaultHttpWorkerService` (forwarding, envelopes) and `DefaultHttpProxyService` (proxying).

mod envelope;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use self::envelope::{Call, Envelope, Outcome};
use crate::call::{deadline::Deadline, log, problem::Problem, trigger};

/// The longest envelope, in bytes: an escaped body of the largest size, and everything around it.
const ENVELOPE_LIMIT: usize = 4 * 1024 * 1024;

/// Headers that an envelope of the host never has. A browser adds the first two to its pages'
/// requests. Azure's front end adds the last to all requests from outside. Source:
/// `IsAppServiceInternalRequest` in the host's `HttpRequestExtensions`.
const NEVER_FROM_THE_HOST: [&str; 3] = ["origin", "sec-fetch-site", "x-arr-log-id"];

/// Adds the host's envelopes to the functions. The functions in `without_triggers` take no
/// triggers.
pub(crate) fn with_envelopes(functions: Router, without_triggers: Vec<&'static str>) -> Router {
    let app = App { functions, without_triggers: without_triggers.into() };
    Router::new().fallback(dispatch).with_state(app)
}

#[derive(Clone)]
struct App {
    functions: Router,
    without_triggers: Arc<[&'static str]>,
}

async fn dispatch(State(app): State<App>, request: Request) -> Response {
    let Some(folder) = folder(request.method(), request.uri().path()).map(str::to_owned) else {
        return answer(app.functions, request).await;
    };
    match open(app, &folder, request).await {
        Ok(outcome) => Json(outcome).into_response(),
        Err(problem) => {
            // The host reports only the status.
            log::failed(&format!("POST /{folder:.100}"), problem.detail());
            problem.into_response()
        }
    }
}

async fn answer(functions: Router, request: Request) -> Response {
    match functions.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// The function's folder, if the path is only its name.
fn folder<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let name = path.strip_prefix('/').unwrap_or(path);
    (*method == Method::POST && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// Makes the call that the envelope asks for. The outcome of an HTTP call has its answer, good or
/// bad. A call of another trigger only succeeds or fails, and the host may repeat it.
async fn open(app: App, folder: &str, request: Request) -> Result<Outcome, Problem> {
    check_sender(request.headers())?;
    let body = to_bytes(request.into_body(), ENVELOPE_LIMIT).await.map_err(|_| {
        let detail = format!("the envelope is longer than {ENVELOPE_LIMIT} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let call =
        Envelope::parse(&body).and_then(|envelope| envelope.call(folder, &app.without_triggers));
    match call.map_err(Problem::bad_request)? {
        Call::Http(request) => Ok(Outcome::of_http(answer(app.functions, *request).await).await),
        Call::Trigger(brought) => trigger::deliver(&app.functions, &brought, Deadline::default())
            .await
            .map(|()| Outcome::done())
            .map_err(|reason| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, reason)),
        Call::Warmup => Ok(Outcome::done()),
    }
}

/// Checks that the host sent the envelope. A page in a browser on this machine, or a caller whose
/// request the host forwards, could POST a similar body. An old browser that sends no origin does
/// not send JSON without asking first.
fn check_sender(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(name) = NEVER_FROM_THE_HOST.iter().find(|name| headers.contains_key(**name)) {
        let detail = format!(
            "a path without /api is for the host's envelopes, which have no header {name}; call /api/{{function}}"
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    if media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let detail = "an envelope's content type is application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

#[cfg(test)]
mod tests;
