//! The HTTP calls of Azure's credentials, through this crate's client: one pool, one TLS.

use async_trait::async_trait;
use azure_core::{
    Error, Result,
    error::ErrorKind,
    http::{
        AsyncRawResponse, Body, HttpClient, Request,
        headers::{HeaderName, HeaderValue, Headers},
    },
};

#[derive(Debug)]
pub(super) struct Transport(pub(super) reqwest::Client);

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body() else {
            return Err(Error::with_message(ErrorKind::Other, "a token is asked for in one piece"));
        };
        let method = http::Method::from_bytes(request.method().as_ref().as_bytes())
            .map_err(|error| Error::new(ErrorKind::Other, error))?;
        let mut call = self.0.request(method, request.url().clone()).body(body.clone());
        for (name, value) in request.headers().iter() {
            call = call.header(name.as_str(), value.as_str());
        }
        let answer = call.send().await.map_err(network_error)?;
        let status = answer.status().as_u16().into();
        let headers = headers(answer.headers());
        let body = answer.bytes().await.map_err(network_error)?;
        Ok(AsyncRawResponse::from_bytes(status, headers, body))
    }
}

/// The headers as text. A credential reads only text. `Retry-After` is left out: an error now is
/// better for the caller than a wait of an hour.
fn headers(map: &http::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map.iter().filter(|(name, _)| !name.as_str().contains("retry-after")) {
        if let Ok(value) = value.to_str() {
            let name = HeaderName::from(name.as_str().to_owned());
            headers.insert(name, HeaderValue::from(value.to_owned()));
        }
    }
    headers
}

fn network_error(error: reqwest::Error) -> Error {
    let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
    Error::new(kind, error.without_url())
}
