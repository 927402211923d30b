//! The URL and the token of the client.

use std::{ffi::OsString, time::SystemTime};

use signalr_serverless::UserId;

use super::{Client, of_connecting};
use crate::{
    access::{OutputFlags, hub, options_for},
    failure::Failure,
};

impl Client {
    /// Makes a client of the URL or of a service's hub. A client of a hub gets a new token for each
    /// connection.
    pub(super) fn target(
        &self,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<signalr_client::Client, Failure> {
        if let Some(url) = &self.url {
            let url = match &self.user {
                Some(user) => with_user(url, user),
                None => url.clone(),
            };
            let client = signalr_client::Client::new(&url).map_err(of_connecting)?;
            return Ok(client.with_trust(self.service.trust.authorities()));
        }
        let user = self.user.as_deref().map(UserId::parse).transpose();
        let user = user.map_err(|error| Failure::configuration(&error))?;
        let access =
            self.service.access(OutputFlags { json: self.json, dry_run: false }, environment)?;
        let hub = hub(self.hub.hub.as_ref(), environment)?;
        let negotiator = access.negotiator()?;
        let options = options_for(user).with_detailed_errors(true);
        let url = format!("{}/client/?hub={hub}", access.service.client_endpoint());
        let client = signalr_client::Client::new(&url).map_err(of_connecting)?;
        let client = client.with_trust(self.service.trust.authorities());
        Ok(client.with_token_source(move || {
            let (negotiator, hub, options) = (negotiator.clone(), hub.clone(), options.clone());
            async move {
                let answer = negotiator.negotiate(&hub, &options, SystemTime::now()).await;
                Ok(answer.map_err(|error| error.with_causes())?.access_token.as_str().to_owned())
            }
        }))
    }
}

/// Adds the user as `?user=`, from which `signalr dev` learns the user.
fn with_user(url: &str, user: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            parsed.query_pairs_mut().append_pair("user", user);
            parsed.into()
        }
        // The client reports what is wrong with the URL.
        Err(_) => url.to_owned(),
    }
}
