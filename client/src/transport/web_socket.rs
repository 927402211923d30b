//! A WebSocket.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream};
use http::{HeaderValue, header};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig,
    },
};

use super::place::{Broken, Place};
use crate::{error::ConnectError, refusal::shown};

/// How many bytes a socket reads at once. This is small because most connections read little.
const READ_BUFFER: usize = 4 * 1024;

pub(crate) struct WebSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: VecDeque<Message>,
    queued: usize,
    is_binary: bool,
}

impl WebSocket {
    pub(super) async fn open(place: &Place) -> Result<Self, ConnectError> {
        let host = place.host();
        let not_there = |problem: String| ConnectError::Unreachable { host: place.host(), problem };
        let mut url = place.url.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // This never fails: a URL may change between these two special schemes.
        let _ = url.set_scheme(scheme);
        let mut request =
            url.as_str().into_client_request().map_err(|error| not_there(error.to_string()))?;
        if let Some(token) = &place.token {
            let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| ConnectError::Token("it cannot stand in a header".to_owned()))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let connector = match scheme {
            "wss" => {
                let tls = place.trust.tls().map_err(|error| not_there(error.to_string()))?;
                Connector::Rustls(Arc::new(tls))
            }
            _ => Connector::Plain,
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(place.max_message))
            .max_frame_size(Some(place.max_message));
        let opened =
            connect_async_tls_with_config(request, Some(config), true, Some(connector)).await;
        match opened {
            Ok((socket, _)) => {
                Ok(Self { socket, waiting: VecDeque::new(), queued: 0, is_binary: place.is_binary })
            }
            Err(Error::Http(response)) => Err(ConnectError::Refused {
                host,
                status: response.status(),
                text: shown(response.body().as_deref().unwrap_or_default()),
            }),
            Err(error) => Err(not_there(error.to_string())),
        }
    }

    pub(super) fn queue(&mut self, bytes: Bytes) {
        self.queued += bytes.len();
        // JSON is always UTF-8, because it was made here.
        let message = match (self.is_binary, Utf8Bytes::try_from(bytes.clone())) {
            (false, Ok(text)) => Message::Text(text),
            _ => Message::Binary(bytes),
        };
        self.waiting.push_back(message);
    }

    pub(super) fn queue_text(&mut self, text: String) {
        self.queued += text.len();
        self.waiting.push_back(Message::text(text));
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reads: bool,
    ) -> Poll<Result<Bytes, Broken>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        if !reads {
            return Poll::Pending;
        }
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => Ok(text.into()),
                Some(Ok(Message::Binary(bytes))) => Ok(bytes),
                Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => {
                    Err(Broken(format!("the server closed the WebSocket: {}", frame.reason)))
                }
                Some(Ok(Message::Close(_))) | None => {
                    Err(Broken("the server closed the WebSocket".to_owned()))
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(Broken(error.to_string())),
            });
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let broken = |error: Error| Broken(error.to_string());
        while !self.waiting.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(broken)?;
            if let Some(message) = self.waiting.pop_front() {
                self.queued = self.queued.saturating_sub(message.len());
                Pin::new(&mut self.socket).start_send(message).map_err(broken)?;
            }
        }
        Pin::new(&mut self.socket).poll_flush(cx).map_err(broken)
    }

    pub(super) async fn close(mut self) {
        for message in std::mem::take(&mut self.waiting) {
            if self.socket.feed(message).await.is_err() {
                return;
            }
        }
        // The other side may be gone already.
        let _ = self.socket.close(None).await;
    }
}
