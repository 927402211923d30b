//! `signalr health`: whether the service is up.

use std::ffi::OsString;

use clap::Args;
use serde_json::json;

use crate::{
    access::{OutputFlags, ServiceFlags},
    failure::Failure,
};

/// Report whether the service is up; if not, exit with 70, or with 69 if nobody answers
#[derive(Args, Debug)]
pub(crate) struct Health {
    #[command(flatten)]
    service: ServiceFlags,

    #[command(flatten)]
    output: OutputFlags,
}

impl Health {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let access = self.service.access(self.output, environment)?;
        let Some(healthy) = access.sent(access.rest.health().await)? else { return Ok(()) };
        let endpoint = access.service.server_endpoint();
        let text = format!("{endpoint} is {}", if healthy { "up" } else { "down" });
        access.print(&json!({ "healthy": healthy, "endpoint": endpoint }), &text)?;
        if healthy { Ok(()) } else { Err(Failure::Service(text)) }
    }
}
