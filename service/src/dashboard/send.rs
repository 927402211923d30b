//! Sends from the dashboard, to any target.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::{error::Error, parameters, view::Dashboard};
use crate::hub::{
    command::{Action, Target},
    message::{Content, Message},
};

/// The body of a send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    hub: HubName,
    to: To,
    /// The clients' method.
    target: String,
    arguments: Vec<Box<RawValue>>,
}

/// The receivers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum To {
    Hub,
    Group(GroupName),
    User(UserId),
    Connection(ConnectionId),
}

/// `POST /dashboard/api/send`
pub(super) async fn send(
    Extract(dashboard): Extract<Arc<Dashboard>>,
    request: Request,
) -> Result<StatusCode, Error> {
    let Send { hub, to, target, arguments } =
        parameters::body(&dashboard.state, request, parameters::LARGEST_BODY).await?;
    if target.is_empty() {
        return Err(Error::bad("target: name the method that clients have"));
    }
    let recipients = match to {
        To::Hub => Target::Hub,
        To::Group(group) => Target::Group(group),
        To::User(user) => Target::User(user),
        To::Connection(connection) => Target::Connection(connection),
    };
    let arguments = serde_json::value::to_raw_value(&arguments)
        .map_err(|error| Error::bad(format!("arguments: {error}")))?;
    tracing::info!(%hub, to = ?recipients, "a message is sent from the dashboard");
    let content = Content::Invocation { target, arguments, invocation_id: None };
    let (recipients, message) = (recipients.into(), Arc::new(Message::new(content)));
    dashboard.state.cluster.submit(hub, Action::Send { recipients, message }).await?;
    Ok(StatusCode::ACCEPTED)
}
