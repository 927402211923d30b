//! `signalr execute`: commands for every connection that a filter matches.

use std::ffi::OsString;

use clap::Args;
use serde_json::json;
use signalr_serverless::{
    GroupName,
    rest::{Command, Filter},
};

use crate::{
    access::{CallFlags, message::message},
    failure::Failure,
};

/// Run commands for every connection that a filter matches: first joins, then the send, then leaves, then the
/// close
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("commands").required(true).multiple(true).args(["join", "target", "leave", "close"]))]
pub(crate) struct Execute {
    #[command(flatten)]
    call: CallFlags,

    /// OData filter such as "userId eq 'ann' and 'readers' in groups" [default: all connections]
    #[arg(long, value_name = "ODATA")]
    filter: Option<String>,

    /// Group to join, repeatable
    #[arg(long, value_name = "GROUP", value_parser = GroupName::parse)]
    join: Vec<GroupName>,

    /// Method of the client to send to
    #[arg(long, value_name = "METHOD")]
    target: Option<String>,

    /// Arguments of the method, a JSON array
    #[arg(long, value_name = "JSON", default_value = "[]", requires = "target")]
    arguments: String,

    /// Group to leave, repeatable
    #[arg(long, value_name = "GROUP", value_parser = GroupName::parse)]
    leave: Vec<GroupName>,

    /// Close the connection, with or without a reason
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = "")]
    close: Option<String>,
}

impl Execute {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(&environment)?;
        let mut commands = Vec::new();
        commands.extend(self.join.into_iter().map(|group| Command::JoinGroup { group }));
        if let Some(target) = &self.target {
            commands.push(Command::SendMessage { message: message(target, &self.arguments)? });
        }
        commands.extend(self.leave.into_iter().map(|group| Command::LeaveGroup { group }));
        if let Some(reason) = self.close {
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            commands.push(Command::CloseConnection { reason });
        }
        let filter = self.filter.as_ref().map(Filter::from_odata);
        if access.sent(hub.execute(filter.as_ref(), &commands).await)?.is_none() {
            return Ok(());
        }
        let json = json!({ "done": "execute", "hub": hub.name(), "commands": commands.len(), "filter": self.filter });
        access.print(&json, &format!("{} commands are taken", commands.len()))
    }
}
