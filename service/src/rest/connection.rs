//! Operations on one connection.

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{call::Call, error::Error, message, reply::Success};
use crate::{
    hub::{
        Refused,
        answer::{Answer, NoAnswer},
        command::{Action, GroupChange, GroupsOf, Target},
    },
    random_id::random_id,
    state::State,
};

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    let recipients = Target::Connection(call.connection()?).into();
    state.cluster.submit(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

/// The header with the protocol of the client's completion, if the answer is a completion.
const PROTOCOL: HeaderName = HeaderName::from_static("x-asrs-protocol");

/// Calls a method of the client. Answers with the client's unchanged result. If the caller accepts
/// completions, answers with the client's whole completion.
pub(super) async fn invoke(state: &State, call: Call) -> Result<Success, Error> {
    #[derive(Serialize)]
    struct ClientInvocationResponse {
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Box<RawValue>>,
    }
    let connection = call.connection()?;
    let invocation_id = random_id().map_err(|error| Error::internal(&error))?;
    let message = message::blocking_invocation(&call.body, invocation_id.clone())?;
    let limit = state.invocation_timeout;
    let answered = state.cluster.invoke(call.hub, connection, invocation_id, message, limit);
    match timeout(limit, answered).await {
        Ok(answer) => match answer?.ok_or_else(Error::no_connection_to_call)? {
            Ok(answer) if takes_completions(&call.headers) => Ok(completion(&answer)),
            Ok(Answer { outcome: Ok(result), .. }) => {
                Ok(Success::json(ClientInvocationResponse { result }))
            }
            Ok(Answer { outcome: Err(error), .. }) => Err(Error::invocation_failed(&error)),
            Err(NoAnswer::Down(down)) => Err(Refused::Down(down).into()),
            Err(NoAnswer::NoForm) => Err(Error::invocation_failed(&NoAnswer::NoForm.to_string())),
        },
        Err(_) => Err(Error::invocation_timed_out(limit)),
    }
}

/// Whether the caller accepts the client's unchanged completion, as Azure's newest SDK does.
fn takes_completions(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).into_iter().filter_map(|it| it.to_str().ok());
    let types = values.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next());
    types.flatten().any(|kind| kind.trim().eq_ignore_ascii_case(COMPLETION))
}

const COMPLETION: &str = "application/octet-stream";

fn completion(answer: &Answer) -> Success {
    let protocol = answer.protocol.name();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(COMPLETION)),
        (PROTOCOL, HeaderValue::from_static(protocol)),
    ];
    Success::Body((headers, answer.frame()).into_response())
}

pub(super) async fn exists(state: &State, call: Call) -> Result<Success, Error> {
    let target = Target::Connection(call.connection()?);
    if state.cluster.exists(call.hub, target).await? {
        Ok(Success::Done)
    } else {
        Err(Error::no_connection())
    }
}

pub(super) async fn close(state: &State, call: Call) -> Result<Success, Error> {
    let recipients = Target::Connection(call.connection()?).into();
    let action = Action::Close { recipients, reason: call.reason() };
    match state.cluster.carry_out(call.hub, action).await? {
        0 => Err(Error::no_connection()),
        _ => Ok(Success::Done),
    }
}

pub(super) async fn remove_from_all_groups(state: &State, call: Call) -> Result<Success, Error> {
    let of = GroupsOf::Connection(call.connection()?);
    let action = Action::Groups { of, change: GroupChange::LeaveAll };
    state.cluster.carry_out(call.hub, action).await?;
    Ok(Success::Done)
}
