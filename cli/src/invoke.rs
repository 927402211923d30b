//! `signalr invoke`: calls a method of one client and shows its result.

use std::ffi::OsString;

use clap::Args;
use serde_json::{Value, json};
use signalr_serverless::ConnectionId;

use crate::{
    access::{CallFlags, message::MessageFlags},
    failure::Failure,
};

/// Call a method of one client, and show its result
#[derive(Args, Debug)]
pub(crate) struct Invoke {
    #[command(flatten)]
    call: CallFlags,

    #[command(flatten)]
    message: MessageFlags,

    /// Connection of the client
    #[arg(value_parser = ConnectionId::parse)]
    connection: ConnectionId,
}

impl Invoke {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(&environment)?;
        let message = self.message.message()?;
        let result = hub.connection(self.connection).invoke::<Value>(&message).await;
        let Some(result) = access.sent(result)? else { return Ok(()) };
        access.print(&json!({ "result": result }), &result.to_string())
    }
}
