//! One server connection: opens it by the connection string, then receives and sends messages.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue, header};
use signalr_http_client::Trust;
use signalr_server_protocol::{ConnectionKind, HandshakeRequest, Message, Ping, decode, split};
use signalr_serverless::{AccessKey, ConnectionString, Credential, HubName, Token};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{self, Message as Frame, client::IntoClientRequest},
};

use crate::error::Error;

const SERVER_ID: HeaderName = HeaderName::from_static("x-asrs-server-id");
const TOKEN_TIME: Duration = Duration::from_secs(60 * 60);
/// How long the service may take to accept a server.
const OPEN_TIME: Duration = Duration::from_secs(15);
/// The longest message of the service, in bytes. The longest is a page of a group's members.
const LIMIT: usize = 16 * 1024 * 1024;

/// The endpoint and the token of a hub's server connections.
#[derive(Debug)]
pub(crate) struct Place {
    endpoint: String,
    hub: HubName,
    key: AccessKey,
    /// This server's id at the service.
    pub(crate) server: String,
    trust: Trust,
}

pub(crate) struct Link {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: BytesMut,
}

impl Place {
    pub(crate) fn new(
        service: &ConnectionString,
        hub: HubName,
        trust: Trust,
    ) -> Result<Self, Error> {
        let Credential::AccessKey(key) = service.credential() else {
            return Err(Error::NoAccessKey);
        };
        let endpoint = service.server_endpoint().trim_end_matches('/').to_owned();
        Ok(Self { endpoint, hub, key: key.clone(), server: random()?, trust })
    }

    /// Opens a connection that only sends. It is ready when this returns.
    pub(crate) async fn open(&self) -> Result<Link, Error> {
        let late = |_| self.unreachable("it does not answer");
        timeout(OPEN_TIME, self.shake_hands()).await.map_err(late)?
    }

    async fn shake_hands(&self) -> Result<Link, Error> {
        let mut link = Link { socket: self.dial().await?, received: BytesMut::new() };
        link.send(&[HandshakeRequest::new(ConnectionKind::Weak).into()]).await?;
        match link.next().await? {
            Message::HandshakeResponse(answer) if answer.is_accepted() => Ok(link),
            Message::HandshakeResponse(answer) => {
                Err(Error::Handshake(answer.error.unwrap_or_default()))
            }
            other => Err(Error::Handshake(format!("{} came first", other.name()))),
        }
    }

    async fn dial(&self) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
        let audience = format!("{}/server/?hub={}", self.endpoint, self.hub);
        let token = Token::rest(&self.key, &audience, TOKEN_TIME, SystemTime::now());
        let token = token.map_err(|error| Error::Token(error.to_string()))?;
        let url = format!("{}&cid={}", audience.replacen("http", "ws", 1), random()?);
        let unreachable = |error: &dyn std::fmt::Display| self.unreachable(&error.to_string());
        let mut request = url.into_client_request().map_err(|error| unreachable(&error))?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.as_str()));
        let mut bearer = bearer.map_err(|error| Error::Token(error.to_string()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        if let Ok(server) = HeaderValue::try_from(&self.server) {
            request.headers_mut().insert(SERVER_ID, server);
        }
        let connector = if self.endpoint.starts_with("https") {
            Connector::Rustls(Arc::new(self.trust.tls().map_err(|error| unreachable(&error))?))
        } else {
            Connector::Plain
        };
        match connect_async_tls_with_config(request, None, true, Some(connector)).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let text = String::from_utf8_lossy(body).chars().take(300).collect();
                Err(Error::Refused { status: response.status().as_u16(), text })
            }
            Err(error) => Err(unreachable(&error)),
        }
    }

    fn unreachable(&self, problem: &str) -> Error {
        Error::Unreachable { host: self.endpoint.clone(), problem: problem.to_owned() }
    }
}

impl Link {
    /// The next message of the service. A keep-alive is answered, because the service expects it.
    pub(crate) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            let body = split(&mut self.received, LIMIT);
            if let Some(body) = body.map_err(|error| Error::Answer(error.to_string()))? {
                let message = decode(body).map_err(|error| Error::Answer(error.to_string()))?;
                match message {
                    Some(Message::Ping(ping)) if ping == Ping::keep_alive() => {
                        self.send(&[Ping::note("#client", "0").into()]).await?;
                    }
                    Some(message) => return Ok(message),
                    None => {}
                }
                continue;
            }
            match self.socket.next().await {
                Some(Ok(Frame::Binary(bytes))) => self.received.extend_from_slice(&bytes),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                Some(Ok(Frame::Text(_) | Frame::Close(_)) | Err(_)) | None => {
                    return Err(Error::Lost);
                }
            }
        }
    }

    pub(crate) async fn send(&mut self, messages: &[Message]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for message in messages {
            message.encode(&mut bytes).map_err(|error| Error::Message(error.to_string()))?;
        }
        self.send_bytes(bytes).await
    }

    /// Sends encoded messages.
    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.socket.send(Frame::binary(bytes)).await.map_err(|_| Error::Lost)
    }

    pub(crate) async fn close(mut self) {
        // The service may be gone.
        let _ = timeout(OPEN_TIME, self.socket.close(None)).await;
    }
}

/// Makes 32 random hexadecimal digits.
fn random() -> Result<String, Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| Error::Token(error.to_string()))?;
    Ok(base16ct::lower::encode_string(&bits))
}
