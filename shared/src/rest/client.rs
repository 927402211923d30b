//! The client of the REST API: the service, the HTTP client and the API version.

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
/// Clones share one pool of connections, so one client is enough for a whole program. Every call
/// has a time limit, follows no redirect and uses no proxy. It is sent once, unless there is a
/// [`RetryPolicy`].
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
    /// Makes a client of the service in the connection string.
    ///
    /// TLS trusts the public authorities that Mozilla trusts. They are compiled in, so nothing is
    /// read from disk at start-up.
    ///
    /// # Errors
    ///
    /// [`Error::EntraNotSupported`] if the connection string has no access key and this crate was
    /// built without its feature `entra`, [`Error::EntraToken`] if Azure's credentials refuse the
    /// identity, and [`Error::HttpClient`] if no HTTP client can be set up.
    pub fn new(service: &ConnectionString) -> Result<Self, Error> {
        Self::with_http_client(service, signalr_http_client::client(&Trust::default())?)
    }

    /// The same with an HTTP client of your own, for example to share its connections or to trust
    /// other authorities. An identity uses it too, to fetch tokens. The client should follow no
    /// redirects, because calls carry tokens.
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
    /// The errors of [`RestClient::new`].
    pub fn with_http_client(
        service: &ConnectionString,
        http: reqwest::Client,
    ) -> Result<Self, Error> {
        Settings::new(service, http).map(Arc::new).map(Self)
    }

    /// The same client for another service: it shares the pool of connections, the version, the
    /// application, the time limit and the retries.
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
    /// The errors of [`RestClient::new`].
    pub fn at(&self, service: &ConnectionString) -> Result<Self, Error> {
        self.0.at(service).map(Arc::new).map(Self)
    }

    /// Uses this version of the API. If the version does not have an operation, its call fails with
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
    /// Most operations name the application in the query. All operations of v1-preview and v1, and
    /// [`Hub::execute`] and [`Hub::generate_token`], get the hub's full name instead.
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

    /// Adds a header to each call, such as `x-ms-client-request-id` or `traceparent`, which help to
    /// find a call in the service's log.
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
    /// Each retry has this time again; [`RetryPolicy::with_time_limit`] limits them together.
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

    /// Repeats failed calls if that does no harm. Without this every call is made once.
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
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
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

    /// Whether the service is up: `false` if the service itself answers that it is not.
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
    /// The errors of any call, except a status of 500 or more.
    pub async fn health(&self) -> Result<bool, Error> {
        match Call::new(&self.0, Operation::Health).run().await {
            Ok(()) => Ok(true),
            Err(Error::Refused(refusal)) if refusal.status.is_server_error() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Fetches the key that the service gives out for signing client tokens. It is for callers that
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
    /// See [`Error`]; [`Error::UnsupportedOperation`] except in v1 and 2024-12-01.
    pub async fn access_key(&self) -> Result<SigningKey, Error> {
        Call::new(&self.0, Operation::AccessKey).read().await
    }
}
