//! Negotiate answers for services that take a Microsoft Entra identity.

use std::{sync::Arc, time::SystemTime};

use super::signing_keys::SigningKeys;
use crate::{
    connection_string::ConnectionString,
    error::Error,
    name::{ApplicationName, HubName},
    negotiate::{ClientUrl, NegotiateAnswer},
    rest::RestClient,
    token::NegotiateOptions,
};

/// Answers negotiate requests for one service, where there is an identity instead of an access key.
///
/// The key that signs the answers comes from the service. It is asked for with the first answer,
/// and again once it is 55 minutes old; until the new one is there the old one signs, up to an age
/// of 110 minutes. Clones share the key, so one negotiator serves a whole program.
///
/// ```no_run
/// # async fn example() -> Result<(), signalr_serverless::Error> {
/// use std::time::SystemTime;
/// use signalr_serverless::{ConnectionString, EntraNegotiator, HubName, NegotiateOptions};
/// use signalr_serverless::rest::RestClient;
///
/// let service = ConnectionString::parse("Endpoint=https://x.service.signalr.net;AuthType=azure.msi")?;
/// let negotiator = EntraNegotiator::new(&service, &RestClient::new(&service)?);
/// let hub = HubName::parse("chat")?;
/// let answer = negotiator.negotiate(&hub, &NegotiateOptions::default(), SystemTime::now()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EntraNegotiator {
    client_url: ClientUrl,
    keys: Arc<SigningKeys>,
}

impl EntraNegotiator {
    /// Answers for the service that the connection string names, with keys that this client, which
    /// must be one of the same service, asks for.
    #[must_use]
    pub fn new(service: &ConnectionString, client: &RestClient) -> Self {
        Self { client_url: ClientUrl::new(service), keys: Arc::new(SigningKeys::new(client)) }
    }

    /// Prefixes every hub with the application's name.
    #[must_use]
    pub fn with_application(mut self, application: ApplicationName) -> Self {
        self.client_url.application = Some(application);
        self
    }

    /// Answers a client that wants to join a hub.
    ///
    /// # Errors
    ///
    /// Those of [`Negotiator::negotiate`](crate::Negotiator::negotiate), and where no key can be
    /// used those of [`RestClient::access_key`]: a [`Refusal`](crate::Refusal) with 403 where the
    /// identity lacks its role.
    pub async fn negotiate(
        &self,
        hub: &HubName,
        options: &NegotiateOptions,
        now: SystemTime,
    ) -> Result<NegotiateAnswer, Error> {
        let url = self.client_url.of(hub)?;
        let key = self.keys.current(now).await?;
        let access_token = key.client_token(&url, options, now)?;
        Ok(NegotiateAnswer { url, access_token })
    }
}
