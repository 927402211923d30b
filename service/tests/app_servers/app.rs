//! An app server that speaks as Microsoft's SDK was recorded to.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use signalr_server_protocol::{
    Ack, AckStatus, CloseConnection, ConnectionData, ConnectionKind, Extensions, HandshakeRequest,
    Headers, Message, OpenConnection, Payloads, Ping, decode, split,
};
use signalr_serverless::Token;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message as Frame, client::IntoClientRequest},
};

use crate::service::{PATIENCE, Running, key};

const LIMIT: usize = 64 * 1024 * 1024;

/// One server connection of an app.
pub(crate) struct App {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: BytesMut,
}

/// The upgrade of an app server, without its handshake.
pub(crate) async fn dial(
    service: &Running,
    hub: &str,
    server: &str,
) -> Result<App, tungstenite::Error> {
    let audience = format!("http://{}/server/?hub={hub}", service.host);
    let token = Token::rest(&key(), &audience, Duration::from_secs(60), SystemTime::now()).unwrap();
    dial_with(service, hub, server, token.as_str()).await
}

pub(crate) async fn dial_with(
    service: &Running,
    hub: &str,
    server: &str,
    token: &str,
) -> Result<App, tungstenite::Error> {
    let url = format!("ws://{}/server/?hub={hub}&cid=cid-{server}", service.host);
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers.insert("x-asrs-server-id", server.parse().unwrap());
    let (socket, _) = connect_async(request).await?;
    Ok(App { socket, received: BytesMut::new() })
}

impl App {
    /// A server connection of the hub `chat`.
    pub(crate) async fn connect(service: &Running, server: &str, kind: ConnectionKind) -> Self {
        Self::connect_to(service, "chat", server, kind).await
    }

    pub(crate) async fn connect_to(
        service: &Running,
        hub: &str,
        server: &str,
        kind: ConnectionKind,
    ) -> Self {
        let mut app = dial(service, hub, server).await.unwrap();
        app.send(HandshakeRequest::new(kind)).await;
        match app.next().await {
            Message::HandshakeResponse(response) if response.is_accepted() => app,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        let mut bytes = Vec::new();
        message.into().encode(&mut bytes).unwrap();
        self.send_bytes(bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.socket.send(Frame::binary(bytes.into())).await.unwrap();
    }

    /// The next message that is not a keep-alive; `None` at the end.
    pub(crate) async fn try_next(&mut self) -> Option<Message> {
        let waiting = async {
            loop {
                if let Some(body) = split(&mut self.received, LIMIT).unwrap() {
                    let message = decode(body).unwrap().unwrap();
                    if message != Message::Ping(Ping::keep_alive()) {
                        return Some(message);
                    }
                    continue;
                }
                match self.socket.next().await {
                    Some(Ok(Frame::Binary(bytes))) => self.received.extend_from_slice(&bytes),
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(other)) => panic!("{other:?}"),
                }
            }
        };
        timeout(PATIENCE, waiting).await.expect("nothing comes for the app")
    }

    pub(crate) async fn next(&mut self) -> Message {
        self.try_next().await.expect("the server connection ended")
    }

    pub(crate) async fn ack(&mut self) -> (i32, AckStatus) {
        let Ack { ack_id, status, .. } = self.whole_ack().await;
        (ack_id, status)
    }

    pub(crate) async fn whole_ack(&mut self) -> Ack {
        match self.next().await {
            Message::Ack(ack) => ack,
            other => panic!("no ack but {other:?}"),
        }
    }

    pub(crate) async fn opened(&mut self) -> OpenConnection {
        match self.next().await {
            Message::OpenConnection(open) => open,
            other => panic!("no client but {other:?}"),
        }
    }

    /// The bytes of a client.
    pub(crate) async fn data(&mut self) -> (String, Bytes) {
        match self.next().await {
            Message::ConnectionData(data) => (data.connection_id, data.payload),
            other => panic!("no data but {other:?}"),
        }
    }

    /// The id of the client that is gone.
    pub(crate) async fn closed(&mut self) -> String {
        match self.next().await {
            Message::CloseConnection(close) => close.connection_id,
            other => panic!("no end of a client but {other:?}"),
        }
    }

    /// Sends bytes to a client.
    pub(crate) async fn say(&mut self, client: &str, payload: impl Into<Bytes>) {
        self.send(ConnectionData {
            connection_id: client.to_owned(),
            payload: payload.into(),
            extensions: Extensions::default(),
        })
        .await;
    }

    pub(crate) async fn close_client(&mut self, client: &str, error: &str) {
        self.send(CloseConnection {
            connection_id: client.to_owned(),
            error: error.to_owned(),
            headers: Headers::default(),
            extensions: Extensions::default(),
        })
        .await;
    }

    /// Accepts the next client. Returns its id.
    pub(crate) async fn accept(&mut self) -> String {
        let open = self.opened().await;
        let (client, handshake) = self.data().await;
        assert_eq!(open.connection_id, client);
        assert!(handshake.ends_with(b"\x1e"), "{handshake:?}");
        self.say(&client, &b"{}\x1e"[..]).await;
        client
    }
}

/// An invocation of `m` in JSON and MessagePack.
pub(crate) fn payloads(argument: &str) -> Payloads {
    let json = format!("{{\"type\":1,\"target\":\"m\",\"arguments\":[\"{argument}\"]}}\u{1e}");
    Payloads(vec![("json".to_owned(), json.into())])
}
