//! The service that a command calls: its connection string, its hub, and the result of a call.

pub(crate) mod call_failure;
mod lookup;
pub(crate) mod message;

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;
use signalr_http_client::{HttpClient, client};
use signalr_serverless::{
    ConnectionString, Error, HubName, Negotiator,
    rest::{Hub, RestClient},
};

use self::lookup::Lookup;
use crate::{failure::Failure, print, trust::TrustFlag};

/// The service to call, and how to show the result
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub(crate) struct ServiceFlags {
    /// Connection string of the service [default: AzureSignalRConnectionString from the environment or a
    /// .env file]
    #[arg(
        short,
        long = "connection-string",
        visible_alias = "connectionstring",
        value_name = "CONNECTION STRING"
    )]
    pub(crate) connection_string: Option<String>,

    #[command(flatten)]
    pub(crate) trust: TrustFlag,
}

/// The hub of a command for which -h is help
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub(crate) struct HubFlag {
    /// Hub to call [default: SIGNALR_HUB]
    #[arg(long, value_parser = HubName::parse)]
    pub(crate) hub: Option<HubName>,
}

/// The hub of a command for which -h is the hub, as in Azure's sample
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub(crate) struct ShortHubFlag {
    /// Hub to join [default: SIGNALR_HUB]
    #[arg(short = 'h', long, value_parser = HubName::parse)]
    pub(crate) hub: Option<HubName>,

    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// The form of the output, and whether requests are sent
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputFlags {
    /// Print JSON, for scripts
    #[arg(long)]
    pub(crate) json: bool,

    /// Print the request without its token, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Everything that a command needs to call a hub
#[derive(Args, Clone, Debug)]
pub(crate) struct CallFlags {
    #[command(flatten)]
    service: ServiceFlags,
    #[command(flatten)]
    hub: HubFlag,
    #[command(flatten)]
    output: OutputFlags,
}

/// A service to call.
pub(crate) struct Access {
    pub(crate) service: ConnectionString,
    pub(crate) rest: RestClient,
    output: OutputFlags,
}

impl ServiceFlags {
    /// An HTTP client. It can also call parts of the service that are not its REST API.
    pub(crate) fn http_client(&self) -> Result<HttpClient, Failure> {
        client(&self.trust.authorities()).map_err(|error| Failure::configuration(&error))
    }

    /// Reads the connection string and prepares the calls.
    pub(crate) fn access(
        &self,
        output: OutputFlags,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Access, Failure> {
        let service =
            Lookup::new(environment)?.connection_string(self.connection_string.as_deref())?;
        let mut rest = RestClient::with_http_client(&service, self.http_client()?)
            .map_err(|error| Failure::configuration(&error))?;
        if output.dry_run {
            rest = rest.without_sending();
        }
        Ok(Access { service, rest, output })
    }
}

/// The hub of the flag, of the environment or of a .env file.
pub(crate) fn hub(
    flag: Option<&HubName>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<HubName, Failure> {
    match flag {
        Some(hub) => Ok(hub.clone()),
        None => Lookup::new(environment)?.hub(),
    }
}

impl CallFlags {
    pub(crate) fn access(
        &self,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<(Access, Hub), Failure> {
        let access = self.service.access(self.output, environment)?;
        let hub = access.rest.hub(hub(self.hub.hub.as_ref(), environment)?);
        Ok((access, hub))
    }
}

impl Access {
    /// The key or identity that signs tokens for clients.
    pub(crate) fn negotiator(&self) -> Result<Negotiator, Failure> {
        Negotiator::with_client(&self.service, &self.rest)
            .map_err(|error| Failure::configuration(&error))
    }

    /// The result of a call. With `--dry-run` the request is printed, and the result is `None`.
    pub(crate) fn sent<T>(&self, result: Result<T, Error>) -> Result<Option<T>, Failure> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotSent(request)) => {
                self.print(&request, &request.to_string())?;
                Ok(None)
            }
            Err(error) => Err(call_failure::of(&error)),
        }
    }

    /// Prints an answer, for people or for scripts.
    pub(crate) fn print(&self, json: &impl Serialize, text: &str) -> Result<(), Failure> {
        if self.output.json { print::json(json) } else { print::line(text) }
    }
}

impl Access {
    /// Prints whether something exists. If it does not, the exit code reports that too.
    pub(crate) fn print_exists(&self, exists: bool, kind: &str, name: &str) -> Result<(), Failure> {
        let json = serde_json::json!({ "exists": exists, "kind": kind, "name": name });
        let text = if exists { "is there" } else { "is not there" };
        self.print(&json, &format!("{kind} {name} {text}"))?;
        if exists { Ok(()) } else { Err(Failure::Absent) }
    }
}

/// The user id and the claims for the token of a client.
pub(crate) fn options_for(
    user: Option<signalr_serverless::UserId>,
) -> signalr_serverless::NegotiateOptions {
    let options = signalr_serverless::NegotiateOptions::default();
    match user {
        Some(user) => options.with_user_id(user),
        None => options,
    }
}
