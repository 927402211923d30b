//! The settings that all calls of a client share: the service, the HTTP client, the API version.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{authorization::Authorization, retry::RetryPolicy, service_url::ServiceUrl};
use crate::{
    connection_string::ConnectionString, error::Error, name::ApplicationName, operation::ApiVersion,
};

const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(100);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) http: reqwest::Client,
    /// The headers of every request.
    pub(super) headers: HeaderMap,
    server_url: ServiceUrl,
    preview_url: ServiceUrl,
    pub(super) authorization: Authorization,
    pub(super) version: ApiVersion,
    pub(super) application: Option<ApplicationName>,
    pub(super) time_limit: Duration,
    pub(super) retries: Option<RetryPolicy>,
    /// Whether calls are sent. If not, they end with a preview of the request.
    pub(super) sends: bool,
}

impl Settings {
    pub(super) fn new(service: &ConnectionString, http: reqwest::Client) -> Result<Self, Error> {
        Ok(Self {
            headers: headers(),
            authorization: Authorization::new(service, &http)?,
            http,
            server_url: ServiceUrl::new(service.server_endpoint()),
            preview_url: ServiceUrl::new(service.preview_endpoint()),
            version: ApiVersion::default(),
            application: None,
            time_limit: DEFAULT_TIME_LIMIT,
            retries: None,
            sends: true,
        })
    }

    /// The same settings for another service.
    pub(super) fn at(&self, service: &ConnectionString) -> Result<Self, Error> {
        Ok(Self {
            server_url: ServiceUrl::new(service.server_endpoint()),
            preview_url: ServiceUrl::new(service.preview_endpoint()),
            authorization: Authorization::new(service, &self.http)?,
            ..self.clone()
        })
    }

    /// The URL to which the paths of calls are appended.
    pub(super) fn service_url(&self) -> &ServiceUrl {
        match self.version {
            ApiVersion::V1Preview => &self.preview_url,
            _ => &self.server_url,
        }
    }
}

fn headers() -> HeaderMap {
    const ASRS_USER_AGENT: HeaderName = HeaderName::from_static("asrs-user-agent");

    let agent = format!(
        "signalr-serverless/{} (rust; {}; {})",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    #[expect(clippy::expect_used, reason = "versions and names of systems are plain text")]
    let agent = HeaderValue::try_from(agent).expect("plain text fits a header");
    let json = HeaderValue::from_static("application/json");
    // There is room for the headers of a single call too, so that its copy does not grow.
    let mut headers = HeaderMap::with_capacity(8);
    headers.extend([(ASRS_USER_AGENT, agent), (header::ACCEPT, json)]);
    headers
}
