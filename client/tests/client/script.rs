//! A server that does what the test says: WebSockets without a negotiation.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use signalr_client::{Client, Transport};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

use crate::scene::PATIENCE;

pub(crate) struct Script {
    listener: TcpListener,
}

/// The server's end of a connection.
pub(crate) struct Served {
    socket: WebSocketStream<TcpStream>,
}

impl Script {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn client(&self) -> Client {
        let host = self.listener.local_addr().unwrap();
        Client::new(&format!("http://{host}/hub"))
            .unwrap()
            .with_transports([Transport::WebSockets])
            .without_negotiation()
    }

    /// The next connection, whose handshake gets this answer.
    pub(crate) async fn accept(&self, answer: &str) -> Served {
        let (socket, _) = timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        let mut served = Served { socket: accept_async(socket).await.unwrap() };
        assert_eq!(served.next().await, json!({ "protocol": "json", "version": 1 }));
        served.send_text(answer).await;
        served
    }
}

impl Served {
    pub(crate) async fn send(&mut self, message: Value) {
        self.send_text(&format!("{message}\u{1e}")).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("the client says nothing") {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(text.trim_end_matches('\u{1e}')).unwrap();
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
