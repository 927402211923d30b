//! Sends data to the server by requests: one at a time, so that the order stays.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use http::Method;
use signalr_http_client::cause;

use super::place::{Broken, Place};

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Post {
    place: Place,
    /// Messages that wait for the current request to end. They go together in the next one.
    waiting: Vec<u8>,
    request: Option<BoxFuture<'static, Result<(), Broken>>>,
}

impl Post {
    pub(super) fn new(place: &Place) -> Self {
        Self { place: place.clone(), waiting: Vec::new(), request: None }
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    pub(super) fn queued(&self) -> usize {
        self.waiting.len() + usize::from(self.request.is_some())
    }

    /// Sends queued messages. Is ready only if a request fails.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Broken> {
        loop {
            if let Some(request) = &mut self.request {
                match request.poll_unpin(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(broken)) => return Poll::Ready(broken),
                    Poll::Ready(Ok(())) => self.request = None,
                }
            }
            if self.waiting.is_empty() {
                return Poll::Pending;
            }
            let body = std::mem::take(&mut self.waiting);
            let media = if self.place.is_binary {
                "application/octet-stream"
            } else {
                "text/plain;charset=UTF-8"
            };
            let request = self
                .place
                .request(Method::POST)
                .timeout(LIMIT)
                .header("content-type", media)
                .body(body);
            self.request = Some(Box::pin(async move {
                let response =
                    request.send().await.map_err(|error| Broken(cause(&error.without_url())))?;
                let status = response.status();
                if status.is_success() {
                    return Ok(());
                }
                Err(Broken(format!("the server answered a message with {status}")))
            }));
        }
    }
}
