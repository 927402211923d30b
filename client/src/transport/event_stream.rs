//! Server-sent events: an endless response for data from the server, and requests for data to the
//! server.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{Method, header};
use reqwest::Response;
use signalr_http_client::cause;

use super::{
    place::{Broken, Place},
    post::Post,
};
use crate::{
    error::ConnectError,
    refusal::{shown, unreachable},
};

type Chunk = (Result<Option<Bytes>, reqwest::Error>, Response);

pub(crate) struct EventStream {
    pub(super) post: Post,
    next: BoxFuture<'static, Chunk>,
    decoder: Decoder,
    max_message: usize,
}

impl EventStream {
    pub(super) async fn open(place: &Place) -> Result<Self, ConnectError> {
        let host = place.host();
        let response = place
            .request(Method::GET)
            .header(header::ACCEPT, "text/event-stream")
            .send()
            .await
            .map_err(|error| unreachable(&host, &error))?;
        let status = response.status();
        if !status.is_success() {
            let text = shown(&response.bytes().await.unwrap_or_default());
            return Err(ConnectError::Refused { host, status, text });
        }
        Ok(Self {
            post: Post::new(place),
            next: chunk_of(response),
            decoder: Decoder::default(),
            max_message: place.max_message,
        })
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
            let Poll::Ready((chunk, response)) = self.next.poll_unpin(cx) else {
                return Poll::Pending;
            };
            self.next = chunk_of(response);
            let bytes = match chunk {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    return Poll::Ready(Err(Broken("the server ended the events".to_owned())));
                }
                Err(error) => {
                    return Poll::Ready(Err(Broken(cause(&error.without_url()))));
                }
            };
            let data = self.decoder.take(&bytes);
            if self.decoder.held() > self.max_message {
                return Poll::Ready(Err(Broken("an event is too large".to_owned())));
            }
            if !data.is_empty() {
                return Poll::Ready(Ok(data.into()));
            }
        }
    }
}

fn chunk_of(mut response: Response) -> BoxFuture<'static, Chunk> {
    Box::pin(async move { (response.chunk().await, response) })
}

/// Decodes events. Their lines begin with `data:`, and an empty line ends each event.
#[derive(Debug, Default)]
struct Decoder {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
}

impl Decoder {
    /// Takes bytes and returns the data of all complete events.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(&mut whole);
            }
        }
        whole
    }

    fn end_line(&mut self, whole: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            whole.append(&mut self.data);
            self.has_data = false;
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            self.has_data = true;
        }
    }

    fn held(&self) -> usize {
        self.line.len() + self.data.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let stream = b":\r\ndata: {}\x1e\r\n\r\nid: 1\ndata: a\ndata: b\x1e\n\n";
        for cut in 0..stream.len() {
            let mut decoder = Decoder::default();
            let mut data = decoder.take(&stream[..cut]);
            data.extend(decoder.take(&stream[cut..]));
            assert_eq!(data, b"{}\x1ea\nb\x1e", "cut at {cut}");
            assert_eq!(decoder.held(), 0);
        }
    }
}
