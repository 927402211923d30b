//! The requests to the collector.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The program's one HTTP client, for the thread that sends spans: its requests run on the program's
/// runtime.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) http: reqwest::Client,
    pub(crate) runtime: Handle,
    /// For a whole request.
    pub(crate) time_limit: Duration,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = send(self.http.clone(), request, self.time_limit);
        let answer = self.runtime.spawn(sent).await?;
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::warn!(status, "the collector refused spans");
            }
            Err(error) => {
                let error = last_cause(error.as_ref());
                tracing::warn!(error, "spans could not be sent to the collector");
            }
        }
        answer
    }
}

async fn send(
    http: reqwest::Client,
    request: Request<Bytes>,
    time_limit: Duration,
) -> Result<Response<Bytes>, HttpError> {
    let mut request = reqwest::Request::try_from(request)?;
    *request.timeout_mut() = Some(time_limit);
    let mut answer = http.execute(request).await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len().saturating_add(chunk.len()) > LONGEST_ANSWER {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response::builder().status(status).body(body.into())?)
}

/// What the operating system or TLS said, or that the time was up.
fn last_cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
