//! `signalr token`: a token for a client, or for a REST call.

use std::{
    ffi::OsString,
    time::{Duration, SystemTime},
};

use clap::{Args, value_parser};
use serde_json::json;
use signalr_serverless::{Credential, NegotiateOptions, Token as Signed, UserId};

use crate::{
    access::{CallFlags, options_for},
    failure::Failure,
};

/// Sign a token for a client of the hub, or for a REST call
#[derive(Args, Debug)]
pub(crate) struct Token {
    #[command(flatten)]
    call: CallFlags,

    /// User that the token is for
    #[arg(long, value_parser = UserId::parse)]
    user: Option<UserId>,

    /// Minutes for which the token is valid
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = value_parser!(u64).range(1..=525_600))]
    lifetime: u64,

    /// Sign for a REST call of this URL instead
    #[arg(long, value_name = "URL", conflicts_with = "user")]
    rest: Option<String>,
}

impl Token {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let (access, hub) = self.call.access(&environment)?;
        let lifetime = Duration::from_secs(self.lifetime * 60);
        let now = SystemTime::now();
        let token = match (&self.rest, access.service.credential()) {
            (Some(url), Credential::AccessKey(key)) => {
                let audience = url.split(['?', '#']).next().unwrap_or_default();
                access.sent(Signed::rest(key, audience.trim_end_matches('/'), lifetime, now))?
            }
            (Some(_), _) => {
                return Err(Failure::Configuration(
                    "the connection string has no access key to sign a REST token with; ask Microsoft \
                     Entra for one, such as by 'az account get-access-token'"
                        .to_owned(),
                ));
            }
            (None, _) => {
                let options: NegotiateOptions = options_for(self.user).with_lifetime(lifetime);
                let answer = access.negotiator()?.negotiate(hub.name(), &options, now).await;
                access.sent(answer)?.map(|answer| answer.access_token)
            }
        };
        let Some(token) = token else { return Ok(()) };
        let json = json!({ "token": token.as_str(), "minutes": self.lifetime });
        access.print(&json, token.as_str())
    }
}
