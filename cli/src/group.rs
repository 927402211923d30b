//! `signalr group`: who is in a group.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use futures_util::TryStreamExt;
use serde_json::json;
use signalr_serverless::{ConnectionId, GroupName, UserId, rest::GroupMember};

use crate::{access::CallFlags, failure::Failure, print};

/// The users and connections of a group
#[derive(Args, Debug)]
pub(crate) struct Group {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Add a user or a connection
    Add(Member),
    /// Remove a user or a connection
    Remove(Member),
    /// List the connections
    List(Named),
    /// Report whether the group has a connection; if not, exit with 66
    Exists(Named),
    /// Close the connections
    Close(Close),
}

#[derive(Args, Debug)]
struct Member {
    #[command(flatten)]
    call: CallFlags,

    #[arg(value_parser = GroupName::parse)]
    group: GroupName,

    /// User, with all present and later connections
    #[arg(long, conflicts_with = "connection", required_unless_present = "connection", value_parser = UserId::parse)]
    user: Option<UserId>,

    /// Connection, until it ends
    #[arg(long, value_parser = ConnectionId::parse)]
    connection: Option<ConnectionId>,
}

#[derive(Args, Debug)]
struct Named {
    #[command(flatten)]
    call: CallFlags,

    #[arg(value_parser = GroupName::parse)]
    group: GroupName,
}

#[derive(Args, Debug)]
struct Close {
    #[command(flatten)]
    named: Named,

    /// Reason to send to the clients
    #[arg(long)]
    reason: Option<String>,
}

impl Group {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        match self.task {
            Task::Add(member) => member.change(true, &environment).await,
            Task::Remove(member) => member.change(false, &environment).await,
            Task::List(named) => named.list(&environment).await,
            Task::Exists(named) => named.exists(&environment).await,
            Task::Close(close) => close.run(&environment).await,
        }
    }
}

impl Member {
    async fn change(
        self,
        adds: bool,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(environment)?;
        let group = self.group;
        let (kind, name, result) = match (self.user, self.connection) {
            (Some(user), _) => {
                let calls = hub.user(user.clone());
                let result = if adds {
                    calls.add_to_group(&group, None).await
                } else {
                    calls.remove_from_group(&group).await
                };
                ("user", user.to_string(), result.map(|()| true))
            }
            (None, Some(connection)) => {
                let calls = hub.connection(connection.clone());
                let result = if adds {
                    calls.add_to_group(&group).await
                } else {
                    calls.remove_from_group(&group).await.map(|()| true)
                };
                ("connection", connection.to_string(), result)
            }
            (None, None) => {
                return Err(Failure::Configuration("give --user or --connection".to_owned()));
            }
        };
        let Some(is_there) = access.sent(result)? else { return Ok(()) };
        if !is_there {
            return Err(Failure::NotFound(format!(
                "the connection {name} is not there, so it cannot be in a group; it may have ended"
            )));
        }
        let (done, text) = if adds { ("add", "is now in") } else { ("remove", "is no longer in") };
        let json = json!({ "done": done, "hub": hub.name(), "group": group, "member": { "kind": kind, "name": name } });
        access.print(&json, &format!("{kind} {name} {text} {group}"))
    }
}

impl Named {
    async fn list(self, environment: &impl Fn(&str) -> Option<OsString>) -> Result<(), Failure> {
        let (access, hub) = self.call.access(environment)?;
        let members = hub.group(self.group).members(None).try_collect::<Vec<GroupMember>>().await;
        let Some(members) = access.sent(members)? else { return Ok(()) };
        let row = |member: &GroupMember| {
            let user = member.user_id.as_ref().map(ToString::to_string);
            [member.connection_id.to_string(), user.unwrap_or_default()]
        };
        let rows = members.iter().map(row).collect::<Vec<_>>();
        access.print(&members, &print::table(["CONNECTION", "USER"], &rows))
    }

    async fn exists(self, environment: &impl Fn(&str) -> Option<OsString>) -> Result<(), Failure> {
        let (access, hub) = self.call.access(environment)?;
        let Some(exists) = access.sent(hub.group(self.group.clone()).exists().await)? else {
            return Ok(());
        };
        access.print_exists(exists, "group", self.group.as_str())
    }
}

impl Close {
    async fn run(self, environment: &impl Fn(&str) -> Option<OsString>) -> Result<(), Failure> {
        let (access, hub) = self.named.call.access(environment)?;
        let group = self.named.group;
        let closed = hub.group(group.clone()).close_connections(&[], self.reason.as_deref()).await;
        if access.sent(closed)?.is_none() {
            return Ok(());
        }
        let json = json!({ "done": "close", "hub": hub.name(), "group": group });
        access.print(&json, &format!("closed the connections of group {group}"))
    }
}
