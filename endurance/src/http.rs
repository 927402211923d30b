//! HTTP requests, with a separate connection for each client.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;

use crate::{
    Failure,
    site::{From, Site},
};

/// A connection that takes one request after the other.
pub(crate) struct Http(SendRequest<Full<Bytes>>);

impl Http {
    pub(crate) async fn open(site: &Site, from: From) -> Result<Self, Failure> {
        let (requests, connection) = handshake(TokioIo::new(site.connect(from).await?)).await?;
        // The next request reports the end of the connection.
        tokio::spawn(connection);
        Ok(Self(requests))
    }

    /// Asks for an event stream.
    pub(crate) async fn events(
        &mut self,
        site: &Site,
        path: &str,
        token: &str,
    ) -> Result<Response<Incoming>, Failure> {
        self.send(site, "GET", path, token, "text/event-stream", Bytes::new()).await
    }

    /// Sends a GET and does not read the answer to its end.
    pub(crate) async fn begin(
        &mut self,
        site: &Site,
        path: &str,
        token: &str,
    ) -> Result<Response<Incoming>, Failure> {
        self.send(site, "GET", path, token, "*/*", Bytes::new()).await
    }

    async fn send(
        &mut self,
        site: &Site,
        method: &str,
        path: &str,
        token: &str,
        accept: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", site.host())
            .header("accept", accept)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(body))?;
        self.0.ready().await?;
        Ok(self.0.send_request(request).await?)
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn call(
        &mut self,
        site: &Site,
        method: &str,
        path: &str,
        token: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let answer = self.send(site, method, path, token, "*/*", body).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// Asks for the service's health.
pub(crate) async fn is_healthy(site: &Site) -> Result<(), Failure> {
    let mut http = Http::open(site, From::default()).await?;
    let (status, _) = http.call(site, "GET", "/api/health", "", Bytes::new()).await?;
    if status == StatusCode::OK { Ok(()) } else { Err(format!("health is {status}").into()) }
}
