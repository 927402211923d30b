//! `signalr send`: a message to a user, a group, a connection, or everybody.

use std::ffi::OsString;

use clap::Args;
use serde_json::json;
use signalr_serverless::{ConnectionId, GroupName, UserId};

use crate::{
    access::{CallFlags, message::MessageFlags},
    failure::Failure,
};

/// Send a message to a user, a group, a connection, or everybody in the hub
#[derive(Args, Debug)]
pub(crate) struct Send {
    #[command(flatten)]
    call: CallFlags,

    #[command(flatten)]
    message: MessageFlags,

    /// User to send to
    #[arg(long, conflicts_with_all = ["group", "connection"], value_parser = UserId::parse)]
    user: Option<UserId>,

    /// Group to send to
    #[arg(long, conflicts_with = "connection", value_parser = GroupName::parse)]
    group: Option<GroupName>,

    /// Connection to send to
    #[arg(long, value_parser = ConnectionId::parse)]
    connection: Option<ConnectionId>,

    /// Connection that does not get the message, repeatable
    #[arg(long, value_name = "CONNECTION", conflicts_with_all = ["user", "connection"], value_parser = ConnectionId::parse)]
    except: Vec<ConnectionId>,
}

impl Send {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(&environment)?;
        let message = self.message.message()?;
        let name = hub.name().to_string();
        let (kind, to, result) = match (self.user, self.group, self.connection) {
            (Some(user), ..) => ("user", user.to_string(), hub.user(user).send(&message).await),
            (_, Some(group), _) => {
                let to = group.to_string();
                ("group", to, hub.group(group).send_except(&message, &self.except).await)
            }
            (.., Some(connection)) => (
                "connection",
                connection.to_string(),
                hub.connection(connection).send(&message).await,
            ),
            _ => ("hub", name.clone(), hub.broadcast_except(&message, &self.except).await),
        };
        if access.sent(result)?.is_none() {
            return Ok(());
        }
        let json = json!({ "done": "send", "hub": name, "target": message.target(), "to": { "kind": kind, "name": to } });
        access.print(&json, &format!("sent {} to {kind} {to}", message.target()))
    }
}
