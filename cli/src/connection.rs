//! `signalr connection`: one connection.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use serde_json::json;
use signalr_serverless::ConnectionId;

use crate::{access::CallFlags, failure::Failure};

/// One connection
#[derive(Args, Debug)]
pub(crate) struct Connection {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Report whether the connection exists; if not, exit with 66
    Exists(Named),
    /// Close the connection
    Close(Close),
    /// Remove the connection from all groups
    LeaveAll(Named),
}

#[derive(Args, Debug)]
struct Named {
    #[command(flatten)]
    call: CallFlags,

    #[arg(value_parser = ConnectionId::parse)]
    connection: ConnectionId,
}

#[derive(Args, Debug)]
struct Close {
    #[command(flatten)]
    named: Named,

    /// Reason to send to the client
    #[arg(long)]
    reason: Option<String>,
}

impl Connection {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (done, Named { call, connection }, reason) = match self.task {
            Task::Exists(named) => {
                let (access, hub) = named.call.access(&environment)?;
                let exists = hub.connection(named.connection.clone()).exists().await;
                return match access.sent(exists)? {
                    Some(is) => access.print_exists(is, "connection", named.connection.as_str()),
                    None => Ok(()),
                };
            }
            Task::Close(close) => ("close", close.named, close.reason),
            Task::LeaveAll(named) => ("leave-all", named, None),
        };
        let (access, hub) = call.access(&environment)?;
        let calls = hub.connection(connection.clone());
        let (result, text) = if done == "close" {
            (calls.close(reason.as_deref()).await, "is closed")
        } else {
            (calls.remove_from_all_groups().await, "is in no group any more")
        };
        if access.sent(result)?.is_none() {
            return Ok(());
        }
        let json = json!({ "done": done, "hub": hub.name(), "connection": connection });
        access.print(&json, &format!("connection {connection} {text}"))
    }
}
