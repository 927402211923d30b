//! Operations on a stream that a client asked for.

use std::sync::Arc;

use super::{call::Call, error::Error, message, reply::Success};
use crate::{
    hub::{
        command::{Action, Target},
        message::{Content, Message},
    },
    state::State,
};

pub(super) async fn send(state: &State, call: Call) -> Result<Success, Error> {
    let stream_id = call.stream_id()?;
    let is_last = call.flag("completed")?;
    let item = message::stream_item(&call.body, stream_id.clone())?;
    deliver(state, &call, item).await?;
    if is_last {
        let end = Message::new(Content::StreamEnd { stream_id, error: None });
        deliver(state, &call, Arc::new(end)).await?;
    }
    Ok(Success::Done)
}

/// Azure's SDK names the reason `error`, and its description `reason`.
pub(super) async fn complete(state: &State, call: Call) -> Result<Success, Error> {
    let error = call.reason().or_else(|| call.query.first("error").map(str::to_owned));
    let end = Message::new(Content::StreamEnd { stream_id: call.stream_id()?, error });
    deliver(state, &call, Arc::new(end)).await?;
    Ok(Success::Done)
}

async fn deliver(state: &State, call: &Call, message: Arc<Message>) -> Result<(), Error> {
    let recipients = Target::Connection(call.connection()?).into();
    let action = Action::Send { recipients, message };
    match state.cluster.carry_out(call.hub.clone(), action).await? {
        0 => Err(Error::no_connection()),
        _ => Ok(()),
    }
}
