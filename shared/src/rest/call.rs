//! One call: from an operation and its parameters to a request, and from the reply to a result.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use url::{Position, Url};

use super::{Message, Operation, RestClient, Route, path, reply::Reply};
use crate::{
    error::Error,
    name::{ConnectionId, HubName},
    token::Token,
};

/// A call in the making.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    operation: Operation,
    hub: Option<&'a HubName>,
    parameters: Vec<(&'static str, &'a str)>,
    query: Vec<(&'static str, Cow<'a, str>)>,
    body: Option<&'a Message>,
}

impl<'a> Call<'a> {
    pub(super) fn new(operation: Operation) -> Self {
        Self { operation, hub: None, parameters: Vec::new(), query: Vec::new(), body: None }
    }

    pub(super) fn hub(mut self, hub: &'a HubName) -> Self {
        self.hub = Some(hub);
        self
    }

    /// Fills a parameter of the path.
    pub(super) fn parameter(mut self, name: &'static str, value: &'a str) -> Self {
        self.parameters.push((name, value));
        self
    }

    pub(super) fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn excluding(mut self, connections: &'a [ConnectionId]) -> Self {
        self.query.extend(connections.iter().map(|id| ("excluded", id.as_str().into())));
        self
    }

    pub(super) fn body(mut self, message: &'a Message) -> Self {
        self.body = Some(message);
        self
    }

    /// Makes the call. Any 2xx is success: of some operations the service is known to answer
    /// another one than its description says.
    pub(super) async fn run(self, client: &RestClient) -> Result<(), Error> {
        self.send(client).await?.into_success().map(drop)
    }

    /// Makes the call; a 404 with this `x-ms-error-code` is an answer too, and means `false`.
    pub(super) async fn run_unless(
        self,
        client: &RestClient,
        error_code: &str,
    ) -> Result<bool, Error> {
        let reply = self.send(client).await?;
        if reply.is_not_found(error_code) {
            return Ok(false);
        }
        reply.into_success().map(|_| true)
    }

    /// Makes the call and reads the reply's body.
    pub(super) async fn read<T: DeserializeOwned>(self, client: &RestClient) -> Result<T, Error> {
        self.send(client).await?.into_success()?.json()
    }

    async fn send(self, client: &RestClient) -> Result<Reply, Error> {
        let settings = client.settings();
        let version = settings.version;
        let operation = self.operation;
        let route =
            operation.route(version).ok_or(Error::UnsupportedOperation { operation, version })?;
        let url = self.url(route, client)?;
        let endpoint = host_and_port(&url);

        let mut request =
            settings.http.request(route.method.clone(), url.clone()).timeout(settings.time_limit);
        if operation != Operation::Health {
            request = request.header(header::AUTHORIZATION, authorization(client, &url)?);
        }
        if let Some(message) = self.body {
            let json = serde_json::to_vec(message).map_err(Error::Unserializable)?;
            request =
                request.header(header::CONTENT_TYPE, "application/json; charset=utf-8").body(json);
        }

        let network = |error| network_error(error, &endpoint, settings.time_limit);
        let response = request.send().await.map_err(network)?;
        Reply::read(response, operation, &endpoint).await.map_err(network)
    }

    /// The URL of the call; a path that cannot be filled or a URL that is too long is an error.
    fn url(&self, route: &Route, client: &RestClient) -> Result<Url, Error> {
        let settings = client.settings();
        let application = settings.application.as_ref().filter(|_| self.hub.is_some());
        let hub = match (self.hub, application) {
            (Some(hub), Some(application)) if !route.version.is_in_query() => {
                Some(application.prefix(hub)?)
            }
            (hub, _) => hub.cloned(),
        };
        let mut parameters = self.parameters.clone();
        parameters.extend(hub.as_ref().map(|hub| ("hub", hub.as_str())));

        let mut url = settings.server_endpoint.clone();
        url += &path::fill(route.path, &parameters)?;
        let mut separator = '?';
        let mut append = |name: &str, value: &str| {
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.extend(path::encode(value));
            separator = '&';
        };
        if route.version.is_in_query() {
            append("api-version", route.version.as_str());
            if let Some(application) = application {
                append("application", application.as_str());
            }
        }
        for (name, value) in &self.query {
            append(name, value);
        }
        check_length(&url)?;
        #[expect(
            clippy::expect_used,
            reason = "the endpoint is part of a parsed URL, and all behind it is percent-encoded"
        )]
        let url = Url::parse(&url).expect("a parsed endpoint takes a path");
        Ok(url)
    }
}

/// `Bearer` and a token for this URL.
///
/// Signing takes microseconds, a call a thousand times that, and a store of tokens would grow with
/// every user and group: so each call has its own.
fn authorization(client: &RestClient, url: &Url) -> Result<HeaderValue, Error> {
    const LIFETIME: Duration = Duration::from_secs(3600);

    let audience = url[..Position::AfterPath].trim_end_matches('/');
    let token = Token::rest(&client.settings().key, audience, LIFETIME, SystemTime::now())?;
    #[expect(clippy::expect_used, reason = "a token has letters, digits and -_. only")]
    let mut value =
        HeaderValue::try_from(format!("Bearer {}", token.as_str())).expect("a token fits a header");
    value.set_sensitive(true);
    Ok(value)
}

/// The HTTP library takes no longer URL.
fn check_length(url: &str) -> Result<(), Error> {
    const LONGEST: usize = 65_534;
    if url.len() <= LONGEST {
        return Ok(());
    }
    Err(Error::InvalidValue {
        what: "URL of the call",
        problem: format!("has {} characters, more than {LONGEST}", url.len()),
        remedy: "exclude fewer connections, or use a shorter reason",
    })
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn network_error(error: reqwest::Error, endpoint: &str, limit: Duration) -> Error {
    let endpoint = endpoint.to_owned();
    let source = Box::new(error.without_url());
    if source.is_connect() {
        Error::Unreachable { endpoint, source }
    } else if source.is_timeout() {
        Error::TimedOut { endpoint, limit }
    } else {
        Error::Interrupted { endpoint, source }
    }
}
