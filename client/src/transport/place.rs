//! The address of a transport, and why a transport ended.

use http::Method;
use reqwest::RequestBuilder;
use signalr_http_client::Trust;
use url::Url;

use super::kind::Kind;
use crate::refusal::host_of;

/// The address at which a transport is opened. Stateful reconnect opens it again there.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) url: Url,
    pub(crate) token: Option<String>,
    pub(crate) http: reqwest::Client,
    pub(crate) trust: Trust,
    pub(crate) max_message: usize,
    pub(crate) is_binary: bool,
}

impl Place {
    pub(crate) fn host(&self) -> String {
        host_of(&self.url)
    }

    pub(super) fn request(&self, method: Method) -> RequestBuilder {
        let request = self.http.request(method, self.url.clone());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL holds the connection token.
        f.debug_struct("Place")
            .field("kind", &self.kind)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// Why a transport has ended.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) String);
