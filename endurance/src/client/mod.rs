//! A client of each transport. It reads only on request.

pub(crate) mod listener;
mod records;

use std::{future::pending, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

pub(crate) use self::records::Record;
use self::records::Records;
use crate::{
    Failure,
    http::Http,
    site::{From, HUB, Site},
};

pub(crate) const PING: &str = "{\"type\":6}\u{1e}";
/// How long a single step of a client may take.
const STEP: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSockets,
    Events,
    Polls,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [Self::WebSockets, Self::Events, Self::Polls];
}

pub(crate) struct Client {
    carrier: Carrier,
    records: Records,
    place: Place,
}

/// The target of a connection's requests, and the way to open its sockets.
#[derive(Clone)]
struct Place {
    site: Site,
    from: From,
    path: String,
}

enum Carrier {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    /// The requests keep the connection alive.
    Events(Incoming, #[expect(dead_code, reason = "what keeps the connection")] Http),
    Polls(Http),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Negotiation {
    connection_token: String,
}

impl Client {
    /// Negotiates, connects and shakes hands.
    pub(crate) async fn connect(
        site: &Site,
        transport: Transport,
        from: From,
    ) -> Result<Self, Failure> {
        timeout(STEP, Self::open(site, transport, from, false)).await?
    }

    /// Connects a client with a WebSocket. It can continue on another WebSocket.
    pub(crate) async fn connect_stateful(site: &Site) -> Result<Self, Failure> {
        timeout(STEP, Self::open(site, Transport::WebSockets, From::default(), true)).await?
    }

    async fn open(
        site: &Site,
        transport: Transport,
        from: From,
        is_stateful: bool,
    ) -> Result<Self, Failure> {
        let place = Place::negotiate(site, from, is_stateful).await?;
        let carrier = Carrier::open(&place, transport).await?;
        let mut client = Self { carrier, records: Records::default(), place };
        let version = if is_stateful { 2 } else { 1 };
        client.send(&format!("{{\"protocol\":\"json\",\"version\":{version}}}\u{1e}")).await?;
        match client.next().await? {
            Record::Handshake => Ok(client),
            other => Err(format!("no handshake but {other:?}").into()),
        }
    }

    /// Drops the socket, and continues on another socket.
    pub(crate) async fn reconnect(self) -> Result<Self, Failure> {
        let Self { carrier, place, .. } = self;
        drop(carrier);
        let carrier = timeout(STEP, Carrier::open(&place, Transport::WebSockets)).await??;
        let mut client = Self { carrier, records: Records::default(), place };
        client.send("{\"type\":9,\"sequenceId\":1}\u{1e}").await?;
        Ok(client)
    }

    pub(crate) async fn send(&mut self, text: &str) -> Result<(), Failure> {
        if let Carrier::WebSocket(socket) = &mut self.carrier {
            return Ok(timeout(STEP, socket.send(Message::text(text))).await??);
        }
        let Place { site, from, path } = &self.place;
        let (mut http, token) = (Http::open(site, *from).await?, site.client_token()?);
        let body = Bytes::copy_from_slice(text.as_bytes());
        let (status, _) = timeout(STEP, http.call(site, "POST", path, &token, body)).await??;
        if status == StatusCode::OK { Ok(()) } else { Err(format!("POST got {status}").into()) }
    }

    /// The next record.
    pub(crate) async fn next(&mut self) -> Result<Record, Failure> {
        loop {
            if let Some(record) = self.records.next()? {
                return Ok(record);
            }
            let bytes = timeout(STEP, self.carrier.receive(&self.place)).await;
            self.records.add(&bytes.map_err(|_| "nothing came for two minutes")??);
        }
    }

    /// Stays connected and reads nothing more. A client that polls still reads the head of one answer.
    pub(crate) async fn stall(self) {
        let Self { carrier, place, .. } = self;
        match carrier {
            Carrier::WebSocket(_) | Carrier::Events(..) => pending::<()>().await,
            Carrier::Polls(mut http) => {
                let Ok(token) = place.site.client_token() else { return };
                let _answer = http.begin(&place.site, &place.path, &token).await;
                pending::<()>().await;
            }
        }
    }

    /// Leaves as stock clients do.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        match self.carrier {
            Carrier::WebSocket(mut socket) => timeout(STEP, socket.as_mut().close(None)).await??,
            Carrier::Events(..) => {}
            Carrier::Polls(mut http) => {
                let Place { site, path, .. } = &self.place;
                let token = site.client_token()?;
                let call = http.call(site, "DELETE", path, &token, Bytes::new());
                let (status, _) = timeout(STEP, call).await??;
                if status != StatusCode::ACCEPTED {
                    return Err(format!("DELETE got {status}").into());
                }
            }
        }
        Ok(())
    }
}

impl Place {
    async fn negotiate(site: &Site, from: From, is_stateful: bool) -> Result<Self, Failure> {
        let token = site.client_token()?;
        let path = format!(
            "/client/negotiate?hub={HUB}&negotiateVersion=1&useStatefulReconnect={is_stateful}"
        );
        let mut http = Http::open(site, From { is_tight: false, ..from }).await?;
        let (status, body) = http.call(site, "POST", &path, &token, Bytes::new()).await?;
        if status != StatusCode::OK {
            return Err(format!("negotiate got {status}").into());
        }
        let Negotiation { connection_token } = serde_json::from_slice(&body)?;
        let path = format!("/client/?hub={HUB}&id={connection_token}");
        Ok(Self { site: site.clone(), from, path })
    }
}

impl Carrier {
    async fn open(place: &Place, transport: Transport) -> Result<Self, Failure> {
        let Place { site, from, path } = place;
        let token = site.client_token()?;
        if transport == Transport::WebSockets {
            let url = format!("ws://{}{path}&access_token={token}", site.host());
            // Thousands of clients share this machine's memory.
            let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
            let socket = site.connect(*from).await?;
            let (socket, _) = client_async_with_config(url, socket, Some(config)).await?;
            return Ok(Self::WebSocket(Box::new(socket)));
        }
        let mut http = Http::open(site, *from).await?;
        if transport == Transport::Events {
            let answer = http.events(site, path, &token).await?;
            if answer.status() != StatusCode::OK {
                return Err(format!("an event stream got {}", answer.status()).into());
            }
            return Ok(Self::Events(answer.into_body(), http));
        }
        poll(&mut http, place).await?;
        Ok(Self::Polls(http))
    }

    async fn receive(&mut self, place: &Place) -> Result<Bytes, Failure> {
        match self {
            Self::WebSocket(socket) => match socket.next().await.ok_or("the socket ended")?? {
                Message::Close(frame) => Err(format!("closed: {frame:?}").into()),
                message => Ok(message.into_data()),
            },
            Self::Events(body, _) => {
                let frame = body.frame().await.ok_or("the event stream ended")??;
                Ok(frame.into_data().unwrap_or_default())
            }
            Self::Polls(http) => poll(http, place).await,
        }
    }
}

async fn poll(http: &mut Http, place: &Place) -> Result<Bytes, Failure> {
    let Place { site, path, .. } = place;
    // Stock clients ask their application for a token each time.
    let token = site.client_token()?;
    match http.call(site, "GET", path, &token, Bytes::new()).await? {
        (StatusCode::OK, bytes) => Ok(bytes),
        (status, _) => Err(format!("a poll got {status}").into()),
    }
}
