//! Operations on a whole hub.

use super::{call::Call, error::Error, message, reply::Success};
use crate::{
    hub::command::{Action, Target},
    state::State,
};

pub(super) async fn broadcast(state: &State, call: Call) -> Result<Success, Error> {
    let message = message::message(&call.body)?;
    let recipients = call.recipients(Target::Hub)?;
    state.cluster.submit(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}

pub(super) async fn close_connections(state: &State, call: Call) -> Result<Success, Error> {
    let recipients = call.recipients(Target::Hub)?;
    let reason = call.reason();
    state.cluster.submit(call.hub, Action::Close { recipients, reason }).await?;
    Ok(Success::Done)
}
