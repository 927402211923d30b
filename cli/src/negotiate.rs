//! `signalr negotiate`: the URL and the token with which a client connects.

use std::{ffi::OsString, time::SystemTime};

use clap::Args;
use signalr_serverless::UserId;

use crate::{
    access::{CallFlags, options_for},
    failure::Failure,
};

/// Answer as a negotiate function does: the URL and the token with which a client connects
#[derive(Args, Debug)]
pub(crate) struct Negotiate {
    #[command(flatten)]
    call: CallFlags,

    /// User that the client is
    #[arg(long, value_parser = UserId::parse)]
    user: Option<UserId>,
}

impl Negotiate {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(&environment)?;
        let options = options_for(self.user);
        let answer = access.negotiator()?.negotiate(hub.name(), &options, SystemTime::now()).await;
        let Some(answer) = access.sent(answer)? else { return Ok(()) };
        let text =
            format!("url          {}\naccessToken  {}", answer.url, answer.access_token.as_str());
        access.print(&answer, &text)
    }
}
