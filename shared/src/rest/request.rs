//! The HTTP request of a call: its URL, its token, its body, and the meaning of network failures.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, header};
use tokio::time::Instant;
use url::Url;

use super::{path, preview::RequestPreview, reply::Reply, settings::Settings};
use crate::{
    error::Error,
    name::{ApplicationName, HubName},
    operation::{ApiVersion, Operation, Route},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Parameters of the path or of the query.
pub(super) type Parameters<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// A request that can be sent several times, each time with a token that is valid then.
pub(super) struct Request<'a> {
    operation: Operation,
    route: &'static Route,
    settings: &'a Settings,
    url: Url,
    body: Option<Bytes>,
}

impl<'a> Request<'a> {
    /// Prepares the request. This sends nothing.
    pub(super) fn new(
        operation: Operation,
        settings: &'a Settings,
        hub: Option<&HubName>,
        parameters: Parameters<'_>,
        query: Parameters<'_>,
        body: Option<Bytes>,
    ) -> Result<Self, Error> {
        let version = settings.version;
        let route =
            operation.route(version).ok_or(Error::UnsupportedOperation { operation, version })?;
        let application = settings.application.as_ref();
        let place = Place::new(operation, version, hub, application)?;
        let path = place.path(route, parameters)?;
        let query = place.query(version, query)?;
        let url = settings.service_url().of_call(&path, &query)?;
        Ok(Self { operation, route, settings, url, body })
    }

    fn preview(&self) -> RequestPreview {
        RequestPreview {
            method: self.route.method.to_string(),
            url: self.url.to_string(),
            has_token: self.operation != Operation::Health,
            body: self.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()),
        }
    }

    /// Sends the request once and reads the whole reply, within this time.
    pub(super) async fn send(&self, limit: Duration) -> Result<Reply, Error> {
        let settings = self.settings;
        if !settings.sends {
            return Err(Error::NotSent(Box::new(self.preview())));
        }
        let mut request = reqwest::Request::new(self.route.method.clone(), self.url.clone());
        *request.headers_mut() = settings.headers.clone();
        let start = Instant::now();
        if self.operation != Operation::Health {
            let bearer = settings.authorization.bearer(&self.url, limit).await?;
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        if let Some(json) = &self.body {
            request.headers_mut().insert(header::CONTENT_TYPE, JSON);
            *request.body_mut() = Some(json.clone().into());
        }
        *request.timeout_mut() = Some(limit.saturating_sub(start.elapsed()));
        let endpoint = settings.service_url().host_and_port();
        let network = |error| network_error(error, endpoint, limit);
        let response = settings.http.execute(request).await.map_err(network)?;
        Reply::read(response, self.operation, endpoint).await.map_err(network)
    }
}

/// The hub and the application of a call. If the operation has the application as a query
/// parameter, it is there. Otherwise it is a part of the hub's name.
struct Place {
    hub: Option<HubName>,
    application: Option<ApplicationName>,
}

impl Place {
    fn new(
        operation: Operation,
        version: ApiVersion,
        hub: Option<&HubName>,
        application: Option<&ApplicationName>,
    ) -> Result<Self, Error> {
        let is_in_query = version.is_in_query() && operation.query().contains(&"application");
        Ok(match (hub, application) {
            (Some(hub), Some(application)) if !is_in_query => {
                Self { hub: Some(application.prefix(hub)?), application: None }
            }
            (Some(hub), application) => {
                Self { hub: Some(hub.clone()), application: application.cloned() }
            }
            (None, _) => Self { hub: None, application: None },
        })
    }

    fn path<'a>(&'a self, route: &Route, mut parameters: Parameters<'a>) -> Result<String, Error> {
        parameters.extend(self.hub.as_ref().map(|hub| ("hub", hub.as_str().into())));
        path::fill(route.path, &parameters)
    }

    fn query<'a>(
        &'a self,
        version: ApiVersion,
        query: Parameters<'a>,
    ) -> Result<Parameters<'a>, Error> {
        if version == ApiVersion::V1Preview
            && let Some((name, _)) = query.first()
        {
            return Err(Error::InvalidValue {
                what: name,
                problem: format!("is not known in API version {version}"),
                remedy: "use version v1 or later, or do without",
            });
        }
        let version = version.is_in_query().then(|| ("api-version", version.as_str().into()));
        let application =
            self.application.as_ref().map(|name| ("application", name.as_str().into()));
        Ok(version.into_iter().chain(application).chain(query).collect())
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
