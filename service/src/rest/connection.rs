//! Operations on one connection.

use super::{Success, body, call::Call, error::Error};
use crate::{
    hub::command::{Action, Target},
    state::State,
};

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let message = body::message(&call)?;
    let recipients = Target::Connection(call.connection()?).into();
    state.hubs.send(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

pub(super) async fn exists(state: &State, call: Call) -> Result<Success, Error> {
    let target = Target::Connection(call.connection()?);
    match state.hubs.count(call.hub, target).await? {
        0 => Err(Error::no_connection()),
        _ => Ok(Success::Done),
    }
}

pub(super) async fn close(state: &State, call: Call) -> Result<Success, Error> {
    let recipients = Target::Connection(call.connection()?).into();
    let action = Action::Close { recipients, reason: call.reason() };
    match state.hubs.apply(call.hub, action).await? {
        0 => Err(Error::no_connection()),
        _ => Ok(Success::Done),
    }
}

pub(super) async fn remove_from_all_groups(state: &State, call: Call) -> Result<Success, Error> {
    let action = Action::LeaveAllGroups { connection: call.connection()? };
    state.hubs.apply(call.hub, action).await?;
    Ok(Success::Done)
}
