//! `signalr server`: the server of Azure's console sample, which sends what a user types.

mod act;
mod command;

use std::ffi::OsString;

use clap::Args;
use signalr_serverless::HubName;

use self::{act::Actor, command::Command};
use crate::{
    access::{OutputFlags, ServiceFlags, ShortHubFlag, hub},
    failure::Failure,
    output::Output,
    terminal::{Input, Lines},
};

/// Send to clients by commands from the keyboard or a pipe; `help` lists them
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Server {
    #[command(flatten)]
    service: ServiceFlags,

    #[command(flatten)]
    hub: ShortHubFlag,

    #[command(flatten)]
    output: OutputFlags,

    /// Continue after a failed command of a script
    #[arg(long)]
    keep_going: bool,
}

impl Server {
    pub(crate) async fn run(
        self,
        standard_error: &Output,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let access = self.service.access(self.output, &environment)?;
        let name: HubName = hub(self.hub.hub.as_ref(), &environment)?;
        let mut lines = Lines::open("signalr> ", command::USAGES)?;
        if lines.is_terminal() {
            lines.print(&format!(
                "hub {name} at {}; 'help' lists the commands",
                access.service.server_endpoint()
            ))?;
        }
        let mut actor = Actor::new(access.rest.hub(name));
        let mut number = 0;
        loop {
            let line = match lines.next().await {
                Input::Line(line) => line,
                Input::End | Input::Interrupted => return Ok(()),
                Input::Failed(problem) => return Err(Failure::Start(problem)),
            };
            number += 1;
            let failure = match Command::parse(&line) {
                Ok(None) => continue,
                Ok(Some(Command::Quit)) => return Ok(()),
                Ok(Some(command)) => match actor.run(command, &access).await {
                    Ok(()) => continue,
                    Err(failure) => failure,
                },
                Err(problem) => Failure::Configuration(problem),
            };
            match failure {
                Failure::OutputClosed => return Err(failure),
                failure if lines.is_terminal() => lines.print(&format!("error: {failure}"))?,
                failure if self.keep_going => failure.print(standard_error),
                failure => return Err(failure.at_line(number)),
            }
        }
    }
}
