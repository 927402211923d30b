//! Operations on one connection.

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{call::Call, error::Error, message, reply::Success};
use crate::{
    hub::command::{Action, GroupChange, GroupsOf, Target},
    random_id::random_id,
    state::State,
};

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    let recipients = Target::Connection(call.connection()?).into();
    state.cluster.submit(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

/// Calls a method of the client and answers with its result, as the client wrote it.
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
        Ok(outcome) => match outcome?.ok_or_else(Error::no_connection_to_call)? {
            Ok(result) => Ok(Success::json(ClientInvocationResponse { result })),
            Err(error) => Err(Error::invocation_failed(&error)),
        },
        Err(_) => Err(Error::invocation_timed_out(limit)),
    }
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
