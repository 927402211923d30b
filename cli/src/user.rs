//! `signalr user`: the connections and groups of a user.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use serde_json::json;
use signalr_serverless::{GroupName, UserId};

use crate::{access::CallFlags, failure::Failure};

/// The connections and groups of a user
#[derive(Args, Debug)]
pub(crate) struct User {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Report whether the user has a connection; if not, exit with 66
    Exists(Named),
    /// Close the user's connections
    Close(Close),
    /// Report whether the user is in a group; if not, exit with 66
    InGroup(InGroup),
    /// Remove the user from all groups
    LeaveAll(Named),
}

#[derive(Args, Debug)]
struct Named {
    #[command(flatten)]
    call: CallFlags,

    #[arg(value_parser = UserId::parse)]
    user: UserId,
}

#[derive(Args, Debug)]
struct Close {
    #[command(flatten)]
    named: Named,

    /// Reason to send to the clients
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args, Debug)]
struct InGroup {
    #[command(flatten)]
    named: Named,

    #[arg(value_parser = GroupName::parse)]
    group: GroupName,
}

impl User {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        match self.task {
            Task::Exists(Named { call, user }) => {
                let (access, hub) = call.access(&environment)?;
                match access.sent(hub.user(user.clone()).exists().await)? {
                    Some(exists) => access.print_exists(exists, "user", user.as_str()),
                    None => Ok(()),
                }
            }
            Task::InGroup(InGroup { named: Named { call, user }, group }) => {
                let (access, hub) = call.access(&environment)?;
                match access.sent(hub.user(user.clone()).is_in_group(&group).await)? {
                    Some(is_in) => {
                        access.print_exists(is_in, "member", &format!("{user} of {group}"))
                    }
                    None => Ok(()),
                }
            }
            Task::Close(Close { named: Named { call, user }, reason }) => {
                let (access, hub) = call.access(&environment)?;
                let closed = hub.user(user.clone()).close_connections(&[], reason.as_deref()).await;
                if access.sent(closed)?.is_none() {
                    return Ok(());
                }
                let json = json!({ "done": "close", "hub": hub.name(), "user": user });
                access.print(&json, &format!("closed the connections of user {user}"))
            }
            Task::LeaveAll(Named { call, user }) => {
                let (access, hub) = call.access(&environment)?;
                if access.sent(hub.user(user.clone()).remove_from_all_groups().await)?.is_none() {
                    return Ok(());
                }
                let json = json!({ "done": "leave-all", "hub": hub.name(), "user": user });
                access.print(&json, &format!("user {user} is in no group any more"))
            }
        }
    }
}
