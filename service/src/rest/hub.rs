//! Operations on a whole hub.

use super::{Success, body, call::Call, error::Error};
use crate::{
    hub::command::{Action, Target},
    state::State,
};

pub(super) async fn broadcast(state: &State, call: Call) -> Result<Success, Error> {
    let message = body::message(&call)?;
    let recipients = call.recipients(Target::Hub)?;
    state.hubs.send(call.hub, Action::Send { recipients, message }).await?;
    Ok(Success::Done)
}
