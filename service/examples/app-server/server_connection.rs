//! One server connection: frames to messages and back.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use signalr_server_protocol::{ConnectionKind, HandshakeRequest, Message, Ping, decode, split};
use signalr_serverless::{AccessKey, Token};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message as Frame, client::IntoClientRequest},
};

use crate::{clients::Clients, hub::Hub};

const LIMIT: usize = 64 * 1024 * 1024;

pub(crate) struct ServerConnection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: BytesMut,
}

impl ServerConnection {
    pub(crate) async fn open(service: &str, key: &str, hub: &str, server: &str, cid: &str) -> Self {
        let service = service.trim_end_matches('/');
        let audience = format!("{service}/server/?hub={hub}");
        let key = AccessKey::parse(key).expect("an access key");
        let lifetime = Duration::from_secs(3600);
        let token = Token::rest(&key, &audience, lifetime, SystemTime::now()).unwrap();
        let url = format!("{}&cid={cid}", audience.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {}", token.as_str());
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
        request.headers_mut().insert("x-asrs-server-id", server.parse().unwrap());
        let (socket, _) = connect_async(request).await.expect("the service lets the app in");
        let mut connection = Self { socket, received: BytesMut::new() };
        let handshake = HandshakeRequest::new(ConnectionKind::Default);
        connection.send(&[handshake.into()]).await;
        match connection.next().await {
            Some(Message::HandshakeResponse(answer)) if answer.is_accepted() => connection,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Serves the clients that are given to this connection, until it ends or the app stops.
    pub(crate) async fn run(mut self, hub: Arc<Hub>, mut stopping: watch::Receiver<bool>) {
        let (sender, mut outgoing) = mpsc::unbounded_channel();
        let mut clients = Clients::new(hub, sender);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                message = self.next() => match message {
                    Some(Message::Ping(ping)) if ping.value("shutdown") == Some("finack") => {
                        self.send(&clients.goodbyes()).await;
                        // As the SDK does: the clients' last words, then the socket.
                        let _ = self.socket.close(None).await;
                        return;
                    }
                    Some(message) => clients.take(message),
                    None => return,
                },
                _ = outgoing.recv_many(&mut batch, 256) => {
                    self.send(&batch).await;
                    batch.clear();
                }
                Ok(()) = stopping.changed() => {
                    self.send(&[Ping::note("shutdown", "fin:0").into()]).await;
                }
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(body) = split(&mut self.received, LIMIT).unwrap() {
                match decode(body).unwrap() {
                    // The SDK says in turn that it is there.
                    Some(Message::Ping(ping)) if ping == Ping::keep_alive() => {
                        self.send(&[Ping::note("#client", "0").into()]).await;
                    }
                    Some(message) => return Some(message),
                    None => {}
                }
                continue;
            }
            match self.socket.next().await {
                Some(Ok(Frame::Binary(bytes))) => self.received.extend_from_slice(&bytes),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    async fn send(&mut self, messages: &[Message]) {
        let mut bytes = Vec::new();
        for message in messages {
            message.encode(&mut bytes).unwrap();
        }
        // A socket that is lost is found by reading.
        let _ = self.socket.send(Frame::binary(bytes)).await;
    }
}
