//! Long polling: requests that wait for data from the server, and other requests for data to the
//! server.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{Method, StatusCode};
use signalr_http_client::cause;

use super::{
    place::{Broken, Place},
    post::Post,
};
use crate::{
    error::ConnectError,
    refusal::{shown, unreachable},
};

/// A poll waits up to 90 seconds at the server.
const POLL_LIMIT: Duration = Duration::from_secs(120);
/// How long the goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

pub(crate) struct Polling {
    pub(super) post: Post,
    place: Place,
    /// The poll under way. `None` while nothing may be read.
    poll: Option<BoxFuture<'static, Result<Bytes, Broken>>>,
}

impl Polling {
    /// Makes the first poll. The server answers it at once if it knows the connection.
    pub(super) async fn open(place: &Place) -> Result<Self, ConnectError> {
        let host = place.host();
        let response = place
            .request(Method::GET)
            .timeout(POLL_LIMIT)
            .send()
            .await
            .map_err(|error| unreachable(&host, &error))?;
        let status = response.status();
        if status != StatusCode::OK {
            let text = shown(&response.bytes().await.unwrap_or_default());
            return Err(ConnectError::Refused { host, status, text });
        }
        Ok(Self { post: Post::new(place), place: place.clone(), poll: None })
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reads: bool,
    ) -> Poll<Result<Bytes, Broken>> {
        if let Poll::Ready(broken) = self.post.poll(cx) {
            return Poll::Ready(Err(broken));
        }
        if !reads {
            return Poll::Pending;
        }
        loop {
            let poll = self.poll.get_or_insert_with(|| next_poll(&self.place));
            let Poll::Ready(outcome) = poll.poll_unpin(cx) else { return Poll::Pending };
            self.poll = None;
            match outcome {
                Ok(bytes) if bytes.is_empty() => {}
                other => return Poll::Ready(other),
            }
        }
    }

    pub(super) async fn close(self) {
        let Self { place, mut post, poll } = self;
        drop(poll);
        let goodbye = async {
            // Queued bytes go first, such as the goodbye message.
            std::future::poll_fn(|cx| match post.poll(cx) {
                Poll::Pending if post.queued() > 0 => Poll::Pending,
                _ => Poll::Ready(()),
            })
            .await;
            place.request(Method::DELETE).send().await
        };
        // If this fails, the server notices by itself that the client is gone.
        let _ = tokio::time::timeout(CLOSE_LIMIT, goodbye).await;
    }
}

fn next_poll(place: &Place) -> BoxFuture<'static, Result<Bytes, Broken>> {
    let request = place.request(Method::GET).timeout(POLL_LIMIT);
    let max_message = place.max_message;
    Box::pin(async move {
        let broken = |error: reqwest::Error| Broken(cause(&error.without_url()));
        let mut response = request.send().await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {
                let mut body = Vec::new();
                while let Some(piece) = response.chunk().await.map_err(broken)? {
                    body.extend_from_slice(&piece);
                    if body.len() > max_message {
                        return Err(Broken("the answer to a poll is too large".to_owned()));
                    }
                }
                Ok(body.into())
            }
            StatusCode::NO_CONTENT => Err(Broken("the server ended the connection".to_owned())),
            status => Err(Broken(format!("the server answered a poll with {status}"))),
        }
    })
}
