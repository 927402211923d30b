//! The REST side of the data plane: each route of the table of operations, and who handles it.

mod body;
mod call;
mod connection;
mod encoded;
mod error;
mod execute;
mod group;
mod hub;
mod message;
mod open_api;
mod payload;
mod public_url;
mod reply;
mod stream;
mod token;
mod user;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use axum::{
    Router,
    extract::{RawPathParams, Request, State as Extract, rejection::RawPathParamsRejection},
    response::{IntoResponse, Response},
    routing::{MethodFilter, get, on},
};
use http::StatusCode;
use signalr_serverless::rest::Operation;

use self::{
    call::{Call, authorize},
    error::Error,
    reply::Success,
};
use crate::state::State;

/// Mounts every route of every operation; for a lenient service also the paths of asrs-emulator.
pub(crate) fn router(is_lenient: bool) -> Router<Arc<State>> {
    let mut router = Router::new()
        .without_v07_checks()
        .route("/api/openapi.json", get(async || open_api::description()));
    // Two versions may share a route: then the query tells which is meant.
    let mut mounted = HashSet::new();
    for operation in Operation::ALL.iter().copied() {
        let published = operation.routes().iter().map(|it| (&it.method, Cow::from(it.path)));
        let lenient = published.clone().flat_map(|(method, path)| {
            lenient_paths(&path).map(|path| (method, Cow::from(path))).collect::<Vec<_>>()
        });
        for (method, path) in published.chain(lenient.filter(|_| is_lenient)) {
            let Ok(filter) = MethodFilter::try_from(method.clone()) else { continue };
            if mounted.insert((method, path.clone())) {
                let handler = move |state: Extract<Arc<State>>,
                                    params: Result<RawPathParams, RawPathParamsRejection>,
                                    request: Request| async move {
                    respond(operation, state.0, params, request).await
                };
                router = router.route(&path, on(filter, handler));
            }
        }
    }
    router
        .method_not_allowed_fallback(async || Error::method_not_allowed())
        .fallback(async || Error::no_such_path())
}

/// The paths of asrs-emulator: each under `/api` and `/api/v1`, and those of sends with and without
/// `/:send`.
fn lenient_paths(path: &str) -> impl Iterator<Item = String> + use<> {
    let tail = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/"));
    let tail = tail.filter(|tail| !tail.starts_with("v1-preview/"));
    let send = tail.filter(|tail| !tail.contains("/streams/"));
    let without = send.and_then(|tail| tail.strip_suffix("/:send")).map(str::to_owned);
    let tails: Vec<String> = tail.map(str::to_owned).into_iter().chain(without).collect();
    tails.into_iter().flat_map(|tail| [format!("/api/{tail}"), format!("/api/v1/{tail}")])
}

async fn respond(
    operation: Operation,
    state: Arc<State>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
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
        Ok::<_, Error>(carry_out_to_the_end(state, call).await?.into_response(status, version))
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

/// Carries a call out to its end, though its caller may go away. One that only waits for a client's
/// answer is given up with its caller.
async fn carry_out_to_the_end(state: Arc<State>, call: Call) -> Result<Success, Error> {
    let Some(place) = state.calls.take() else {
        return Err(Error::too_many_calls());
    };
    if call.operation == Operation::InvokeConnection {
        let _place = place;
        return carry_out(&state, call).await;
    }
    let carried_out = tokio::spawn(async move {
        let _place = place;
        carry_out(&state, call).await
    });
    carried_out.await.map_err(|error| Error::internal(&error))?
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

/// Decodes a body in every way there is, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(body: &bytes::Bytes) {
    let _ = encoded::content(body);
    let _ = serde_json::from_slice::<payload::PayloadMessage>(body);
    let _ = serde_json::from_slice::<payload::SignalRCommand>(body);
}
