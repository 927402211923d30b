//! The client of the REST side: where the service is, how to reach it and which version to speak.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use signalr_http_client::Trust;

use super::{
    call::Call, hub::Hub, hub_address::HubAddress, retry::RetryPolicy, settings::Settings,
    signing_key::SigningKey,
};
use crate::{
    connection_string::ConnectionString,
    error::Error,
    name::{ApplicationName, HubName},
    operation::{ApiVersion, Operation},
};

/// Calls the service's REST API.
///
/// Clones share one pool of connections, so one client serves a whole program. Every call has a
/// time limit, follows no redirect, uses no proxy and is sent once, unless a [`RetryPolicy`] says
/// otherwise.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::{ConnectionString, HubName, rest::{Message, RestClient}};
///
/// let service = ConnectionString::parse("Endpoint=http://localhost;Port=8888;AccessKey=k")?;
/// let hub = RestClient::new(&service)?.hub(HubName::parse("chat")?);
/// hub.broadcast(&Message::new("newMessage", &["hello"])?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RestClient(Arc<Settings>);

impl RestClient {
    /// A client of the service that the connection string names.
    ///
    /// TLS trusts the public authorities that Mozilla trusts, compiled in, so nothing is read from
    /// disk at start-up.
    ///
    /// # Errors
    ///
    /// [`Error::EntraNotSupported`] if the connection string has no access key and this crate
    /// was built without its feature `entra`, [`Error::EntraToken`] for an identity that Azure's
    /// credentials cannot be, and [`Error::HttpClient`] if no HTTP client can be set up.
    pub fn new(service: &ConnectionString) -> Result<Self, Error> {
        Self::with_http_client(service, signalr_http_client::client(&Trust::default())?)
    }

    /// The same with an HTTP client of your own, for example to share its connections or to trust
    /// other authorities. An identity uses it too, to fetch tokens. The client should follow no
    /// redirects, since calls carry tokens.
    ///
    /// ```
    /// # use signalr_serverless::{ConnectionString, rest::RestClient};
    /// # let service = ConnectionString::parse("Endpoint=https://x;AccessKey=k")?;
    /// use signalr_serverless::rest::{Trust, http_client};
    ///
    /// let http = http_client(&Trust::default())?;
    /// let client = RestClient::with_http_client(&service, http)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RestClient::new`].
    pub fn with_http_client(
        service: &ConnectionString,
        http: reqwest::Client,
    ) -> Result<Self, Error> {
        Settings::new(service, http).map(Arc::new).map(Self)
    }

    /// The same client for another service: it shares the pool of connections and has the same
    /// version, application, time limit and retries.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let east = &ConnectionString::parse("Endpoint=https://x;AccessKey=k")?;
    /// let elsewhere = client.at(east)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RestClient::new`].
    pub fn at(&self, service: &ConnectionString) -> Result<Self, Error> {
        self.0.at(service).map(Arc::new).map(Self)
    }

    /// Speaks this version of the API. If the version lacks an operation, its call is an
    /// [`Error::UnsupportedOperation`], and nothing is sent.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let client = client.with_version(rest::ApiVersion::V1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_version(mut self, version: ApiVersion) -> Self {
        Arc::make_mut(&mut self.0).version = version;
        self
    }

    /// Calls the hubs of this application.
    ///
    /// Operations that know applications name it in the query. Those that do not, which are all of
    /// v1-preview and v1, and [`Hub::execute`] and [`Hub::generate_token`], get the hub's full name.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let client = client.with_application(ApplicationName::parse("shop")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_application(mut self, application: ApplicationName) -> Self {
        Arc::make_mut(&mut self.0).application = Some(application);
        self
    }

    /// Adds a header to each call, such as `x-ms-client-request-id` or `traceparent`, by which a call
    /// is found again in the service's log.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use http::{HeaderName, HeaderValue};
    ///
    /// let name = HeaderName::from_static("x-ms-client-request-id");
    /// let client = client.with_header(name, HeaderValue::from_static("order-7"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.0).headers.insert(name, value);
        self
    }

    /// How long a call may take from connecting to the end of the answer; 100 seconds by default.
    /// Each retry has this time anew; [`RetryPolicy::with_time_limit`] limits them together.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let client = client.with_time_limit(std::time::Duration::from_secs(5));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.0).time_limit = limit;
        self
    }

    /// Makes failed calls again if that does no harm. Without this every call is made once.
    ///
    /// ```no_run
    /// # fn example(client: signalr_serverless::rest::RestClient) {
    /// use signalr_serverless::rest::RetryPolicy;
    ///
    /// let client = client.with_retries(RetryPolicy::default());
    /// # }
    /// ```
    #[must_use]
    pub fn with_retries(mut self, policy: RetryPolicy) -> Self {
        Arc::make_mut(&mut self.0).retries = Some(policy);
        self
    }

    /// Sends nothing: each call ends with [`Error::NotSent`], which has the request. It needs no service
    /// and no Microsoft Entra token.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use signalr_serverless::{*, rest::RestClient};
    /// # let service = ConnectionString::parse("Endpoint=https://x;AccessKey=k")?;
    /// let client = RestClient::new(&service)?.without_sending();
    /// let call = client.hub(HubName::parse("chat")?).user(UserId::parse("ann")?).exists().await;
    /// let Err(Error::NotSent(request)) = call else { panic!("{call:?}") };
    /// assert_eq!(request.url, "https://x/api/hubs/chat/users/ann?api-version=2024-12-01");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn without_sending(mut self) -> Self {
        Arc::make_mut(&mut self.0).sends = false;
        self
    }

    /// The hub to call.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let chat = client.hub(HubName::parse("chat")?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hub(&self, name: HubName) -> Hub {
        Hub::new(HubAddress::new(Arc::clone(&self.0), name))
    }

    /// Whether the service is up: `false` if it says itself that it is not.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// if !client.health().await? {
    ///     println!("the service is down");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of any call, except a status of 500 or more.
    pub async fn health(&self) -> Result<bool, Error> {
        match Call::new(&self.0, Operation::Health).run().await {
            Ok(()) => Ok(true),
            Err(Error::Refused(refusal)) if refusal.status.is_server_error() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The key that the service hands out to sign client tokens with. It is meant for callers who
    /// have a Microsoft Entra identity instead of an access key.
    ///
    /// ```no_run
    /// # async fn example(client: signalr_serverless::rest::RestClient)
    /// # -> Result<(), signalr_serverless::Error> {
    /// let signing_key = client.access_key().await?;
    /// println!("tokens are signed with the key {}", signing_key.id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] but in v1 and 2024-12-01.
    pub async fn access_key(&self) -> Result<SigningKey, Error> {
        Call::new(&self.0, Operation::AccessKey).read().await
    }
}
