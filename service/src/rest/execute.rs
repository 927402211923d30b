//! `:execute`: a list of commands for every connection that a filter matches.

use std::sync::Arc;

use serde_json::value::RawValue;
use signalr_serverless::GroupName;

use super::{
    body::Format, call::Call, error::Error, message::invocation, payload::SignalRCommand,
    reply::Success,
};
use crate::{
    filter::Filter,
    hub::{
        command::{Action, GroupChange, Step},
        message::Message,
    },
    state::State,
};

/// Checks the filter and every command before any is executed.
pub(super) async fn execute(state: &State, call: Call) -> Result<Success, Error> {
    let filter = call.query.first("filter").filter(|filter| !filter.trim().is_empty());
    let filter = filter.map(str::parse::<Filter>).transpose();
    let filter = filter.map_err(|error| Error::bad("filter", error.to_string()))?;
    let steps = steps(&call)?;
    state.cluster.submit(call.hub, Action::Execute { filter, steps }).await?;
    Ok(Success::Done)
}

fn steps(call: &Call) -> Result<Vec<Step>, Error> {
    if call.body.format()? != Format::Json {
        return Err(Error::bad("body", "commands come as application/json only"));
    }
    let commands: Vec<Box<RawValue>> =
        serde_json::from_slice(&call.body.bytes).map_err(|error| {
            Error::bad("body", format!("the body is not a JSON array of commands: {error}"))
        })?;
    let steps = commands.iter().enumerate().map(|(index, command)| {
        step(command).map_err(|problem| Error::bad("body", format!("command {index}: {problem}")))
    });
    steps.collect()
}

fn step(command: &RawValue) -> Result<Step, String> {
    let group = |name: String| GroupName::parse(&name).map_err(|error| error.to_string());
    let command = serde_json::from_str(command.get()).map_err(|error| error.to_string())?;
    Ok(match command {
        SignalRCommand::SendMessage(payload) => {
            Step::Send(Arc::new(Message::new(invocation(payload, None))))
        }
        SignalRCommand::JoinGroup { group: name } => Step::Groups(GroupChange::Join(group(name)?)),
        SignalRCommand::LeaveGroup { group: name } => {
            Step::Groups(GroupChange::Leave(group(name)?))
        }
        SignalRCommand::CloseConnection { reason } => Step::Close { reason },
    })
}
