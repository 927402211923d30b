//! The REST API of the data plane: each route of the table of operations, and its handler.

mod body;
mod call;
mod connection;
mod encoded;
mod error;
mod execute;
mod group;
mod hub;
mod login;
mod message;
mod open_api;
mod payload;
mod public_url;
mod reply;
mod request_id;
mod stream;
mod to_the_end;
mod token;
mod user;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use axum::{
    Router,
    extract::{RawPathParams, Request, State as Extract, rejection::RawPathParamsRejection},
    handler::Handler,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, any, get, on},
};
use http::{Method, StatusCode};
use signalr_serverless::rest::Operation;
use signalr_traces::Step;
use tokio::time::Instant;
use tracing::{Instrument, Level};

use self::{
    call::{Call, authorize},
    error::Error,
    reply::Success,
    to_the_end::ToTheEnd,
};
use crate::state::State;

/// Mounts every route of every operation; for a lenient service also the paths of asrs-emulator.
pub(crate) fn router(is_lenient: bool) -> Router<Arc<State>> {
    let mut router = Router::new()
        .without_v07_checks()
        .route("/api/openapi.json", get(async || open_api::description()));
    // Two versions may share a route. Then the query names the version.
    let mut mounted = HashSet::new();
    for operation in Operation::ALL.iter().copied() {
        let published = operation.routes().iter().map(|it| (&it.method, Cow::from(it.path)));
        let lenient = published.clone().flat_map(|(method, path)| {
            lenient_paths(&path).map(|path| (method, Cow::from(path))).collect::<Vec<_>>()
        });
        for (method, path) in published.chain(lenient.filter(|_| is_lenient)) {
            if mounted.insert((method, path.clone())) {
                let handler = move |state: Extract<Arc<State>>,
                                    params: Result<RawPathParams, RawPathParamsRejection>,
                                    request: Request| async move {
                    respond(operation, state.0, params, request).await
                };
                router = match MethodFilter::try_from(method.clone()) {
                    Ok(filter) => router.route(&path, on(filter, handler)),
                    Err(_) => router.route(&path, only(method, handler)),
                };
            }
        }
    }
    router
        .method_not_allowed_fallback(async || Error::method_not_allowed())
        .fallback(async || Error::no_such_path())
}

/// A route with one method that the web framework does not know.
fn only<H, T>(method: &'static Method, handler: H) -> MethodRouter<Arc<State>>
where
    H: Handler<T, Arc<State>>,
    T: 'static,
{
    let refuse_others = middleware::from_fn(move |request: Request, next: Next| {
        let is_meant = request.method() == method;
        async move {
            match is_meant {
                true => next.run(request).await,
                false => Error::method_not_allowed().into_response(),
            }
        }
    });
    any(handler).layer(refuse_others)
}

/// The paths of asrs-emulator: each under `/api` and `/api/v1`. The paths of sends are with and
/// without `/:send`.
fn lenient_paths(path: &str) -> impl Iterator<Item = String> + use<> {
    let tail = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/"));
    let tail = tail.filter(|tail| !tail.starts_with("v1-preview/"));
    let send = tail.filter(|tail| !tail.contains("/streams/"));
    let without = send.and_then(|tail| tail.strip_suffix("/:send")).map(str::to_owned);
    let tails: Vec<String> = tail.map(str::to_owned).into_iter().chain(without).collect();
    tails.into_iter().flat_map(|tail| [format!("/api/{tail}"), format!("/api/v1/{tail}")])
}

/// Answers a call in a span with the call's id, and logs the answer.
async fn respond(
    operation: Operation,
    state: Arc<State>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let timings = Arc::clone(&state.timings);
    let begin = Instant::now();
    let headers = request.headers();
    let step = Step::serve(&operation, headers);
    // A new id costs a system call, so there is one only if it is noted.
    let is_noted = !step.span().is_disabled() || tracing::span_enabled!(Level::INFO);
    let id = if is_noted { request_id::of(headers) } else { Cow::default() };
    step.note_text("signalr.request_id", &id);
    let own_trace = step.trace_id();
    let span = step.span().in_scope(|| {
        tracing::info_span!(
            "call",
            request_id = &*id,
            trace_id = own_trace.as_deref().or_else(|| request_id::trace_id(headers)),
            ?operation,
        )
    });
    let answer = answer(operation, state, params, request, &step).instrument(span.clone());
    let answer = answer.instrument(step.span()).await;
    let (status, time) = (answer.status().as_u16(), begin.elapsed());
    timings.called(operation, status, time);
    step.note("http.response.status_code", status.into());
    if answer.status().is_server_error() {
        step.fail();
    }
    let milliseconds = time.as_secs_f64() * 1000.0;
    span.in_scope(|| tracing::info!(status, milliseconds, "a call was answered"));
    answer
}

async fn answer(
    operation: Operation,
    state: Arc<State>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    step: &Step,
) -> Response {
    let answered = async {
        match operation {
            Operation::Health => return Ok(StatusCode::OK.into_response()),
            Operation::AccessKey => {
                authorize(operation, &state, &request.into_parts().0).await?;
                return Ok(token::access_key(&state));
            }
            _ => {}
        }
        let call = Call::read(operation, &state, params, request).await?;
        let (status, version) = (call.status, call.version);
        Ok::<_, Error>(
            carry_out_to_the_end(state, call, step).await?.into_response(status, version),
        )
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

/// Carries a call out to its end, though its caller may go away. One that only waits for a client's
/// answer is given up with its caller.
async fn carry_out_to_the_end(
    state: Arc<State>,
    call: Call,
    step: &Step,
) -> Result<Success, Error> {
    let Some(place) = state.calls.take() else {
        return Err(Error::too_many_calls());
    };
    if call.operation == Operation::InvokeConnection {
        let _place = place;
        return carry_out(&state, call).await;
    }
    let carried_out = async move {
        let _place = place;
        carry_out(&state, call).await
    };
    ToTheEnd::new(carried_out.in_current_span().instrument(step.span())).await
}

async fn carry_out(state: &State, call: Call) -> Result<Success, Error> {
    match call.operation {
        Operation::Broadcast => hub::broadcast(state, call).await,
        Operation::SendToUser => user::send(state, call).await,
        Operation::SendToUsers => user::send_to_each(state, call).await,
        Operation::SendToGroup => group::send(state, call).await,
        Operation::SendToGroups => group::send_to_each(state, call).await,
        Operation::SendToConnection => connection::send(state, call).await,
        Operation::InvokeConnection => connection::invoke(state, call).await,
        Operation::SendStreamItem => stream::send(state, call).await,
        Operation::CompleteStream => stream::complete(state, call).await,
        Operation::RefreshAuth => login::refresh(state, call).await,
        Operation::GetConnectionClaims => login::claims_of(state, call).await,
        Operation::ConnectionExists => connection::exists(state, call).await,
        Operation::CloseConnection => connection::close(state, call).await,
        Operation::CloseHubConnections => hub::close_connections(state, call).await,
        Operation::CloseGroupConnections => group::close_connections(state, call).await,
        Operation::CloseUserConnections => user::close_connections(state, call).await,
        Operation::GroupExists => group::exists(state, call).await,
        Operation::UserExists => user::exists(state, call).await,
        Operation::AddConnectionToGroup => group::add_connection(state, call).await,
        Operation::RemoveConnectionFromGroup => group::remove_connection(state, call).await,
        Operation::RemoveConnectionFromAllGroups => {
            connection::remove_from_all_groups(state, call).await
        }
        Operation::ListGroupConnections => group::list_connections(state, call).await,
        Operation::UserInGroup => user::is_in_group(state, call).await,
        Operation::AddUserToGroup => user::add_to_group(state, call).await,
        Operation::RemoveUserFromGroup => user::remove_from_group(state, call).await,
        Operation::RemoveUserFromAllGroups => user::remove_from_all_groups(state, call).await,
        Operation::Execute => execute::execute(state, call).await,
        Operation::GenerateToken => token::generate(state, call).await,
        operation => Err(Error::internal(&format!("{operation:?} has no handler"))),
    }
}

/// Decodes a body in every possible way, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(body: &bytes::Bytes) {
    let _ = encoded::content(body);
    let _ = serde_json::from_slice::<payload::PayloadMessage>(body);
    let _ = serde_json::from_slice::<payload::SignalRCommand>(body);
}
