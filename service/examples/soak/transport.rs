//! The three transports, as bytes that come and go.

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response, header::ACCEPT};
use serde_json::Value;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{Failure, records::Protocol};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    WebSocket,
    Events,
    Polls,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A transport that is open.
pub(crate) enum Transport {
    WebSocket(Box<Socket>),
    Events(Exchange, Response, Vec<u8>),
    Polls(Exchange),
}

/// Where requests of one connection go.
pub(crate) struct Exchange {
    http: Client,
    url: String,
    access_token: String,
}

impl Exchange {
    fn request(&self, method: Method) -> RequestBuilder {
        self.http.request(method, &self.url).bearer_auth(&self.access_token)
    }
}

impl Transport {
    /// Negotiates at the client URL and opens the transport.
    pub(crate) async fn open(
        kind: Kind,
        http: Client,
        url: &str,
        access_token: &str,
    ) -> Result<Self, Failure> {
        let negotiate = url.replacen("/client/?", "/client/negotiate?negotiateVersion=1&", 1);
        let answer = http.post(negotiate).bearer_auth(access_token).send().await?;
        let answer: Value = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        let token = answer["connectionToken"].as_str().ok_or("no connection token")?;
        let url = format!("{url}&id={token}");
        let exchange = Exchange { http, url, access_token: access_token.to_owned() };
        Ok(match kind {
            Kind::WebSocket => {
                let url = exchange.url.replacen("http", "ws", 1);
                let (socket, _) =
                    connect_async(format!("{url}&access_token={access_token}")).await?;
                Self::WebSocket(Box::new(socket))
            }
            Kind::Events => {
                let request = exchange.request(Method::GET).header(ACCEPT, "text/event-stream");
                let events = request.send().await?.error_for_status()?;
                Self::Events(exchange, events, Vec::new())
            }
            Kind::Polls => {
                exchange.request(Method::GET).send().await?.error_for_status()?;
                Self::Polls(exchange)
            }
        })
    }

    pub(crate) async fn send(&mut self, text: String) -> Result<(), Failure> {
        match self {
            Self::WebSocket(socket) => socket.send(Message::binary(text)).await?,
            Self::Events(exchange, ..) | Self::Polls(exchange) => {
                let request = exchange.request(Method::POST).body(text);
                request.send().await?.error_for_status()?;
            }
        }
        Ok(())
    }

    /// The next bytes of hub messages, which may be none.
    pub(crate) async fn receive(&mut self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::WebSocket(socket) => match socket.next().await.ok_or("the socket ended")?? {
                Message::Close(frame) => Err(format!("the service closed: {frame:?}").into()),
                message => Ok(message.into_data().to_vec()),
            },
            Self::Events(_, events, line) => {
                line.extend_from_slice(&events.chunk().await?.ok_or("the event stream ended")?);
                Ok(data(line))
            }
            Self::Polls(exchange) => {
                let answer = exchange.request(Method::GET).send().await?.error_for_status()?;
                if answer.status() == 204 {
                    return Err("the service ended the polls".into());
                }
                Ok(answer.bytes().await?.to_vec())
            }
        }
    }

    /// Leaves as stock clients do.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::WebSocket(mut socket) => socket.close().await?,
            Self::Events(..) => {}
            Self::Polls(exchange) => {
                exchange.request(Method::DELETE).send().await?.error_for_status()?;
            }
        }
        Ok(())
    }
}

/// Takes the whole lines out of the bytes, and gives the data in them.
fn data(bytes: &mut Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let rest = bytes.split_off(end);
    let lines = std::mem::replace(bytes, rest);
    let lines = lines.split(|byte| *byte == b'\n');
    let data = lines.filter_map(|line| line.strip_prefix(b"data: "));
    data.flat_map(|line| line.strip_suffix(b"\r").unwrap_or(line)).copied().collect()
}

impl Kind {
    /// Every transport with every protocol that it carries.
    pub(crate) const WAYS: [(Self, Protocol); 5] = [
        (Self::WebSocket, Protocol::Json),
        (Self::WebSocket, Protocol::MessagePack),
        (Self::Events, Protocol::Json),
        (Self::Polls, Protocol::Json),
        (Self::Polls, Protocol::MessagePack),
    ];
}
