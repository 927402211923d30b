//! A client with stateful reconnect, which can continue at any node.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Running, in_time};

pub(crate) struct Stateful {
    pub(crate) id: String,
    user: Option<String>,
    token: String,
    socket: Client,
    /// The number of the last message that came.
    received: u64,
    /// The number of the next message that comes on this socket.
    next: u64,
    /// How many messages the client sent.
    sent: u64,
}

impl Stateful {
    pub(crate) async fn connect(node: &Running, user: Option<&str>) -> Self {
        let path = "/client/negotiate?hub=chat&negotiateVersion=1&useStatefulReconnect=true";
        let request = node.http(Method::POST, path).bearer_auth(node.client_token("chat", user));
        let negotiation: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(negotiation["useStatefulReconnect"], true, "{negotiation}");
        let token = negotiation["connectionToken"].as_str().unwrap().to_owned();
        let id = negotiation["connectionId"].as_str().unwrap().to_owned();
        let mut socket = Client::open(&node.connect_url("chat", user, &token)).await;
        socket.send(&json!({ "protocol": "json", "version": 2 })).await;
        assert_eq!(socket.next().await, json!({}));
        let user = user.map(str::to_owned);
        Self { id, user, token, socket, received: 0, next: 1, sent: 0 }
    }

    /// Continues at another node, without an end of the earlier socket.
    pub(crate) async fn resume(&mut self, node: &Running) {
        let url = node.connect_url("chat", self.user.as_deref(), &self.token);
        self.socket = Client::open(&url).await;
        self.socket.send(&json!({ "type": 9, "sequenceId": self.sent + 1 })).await;
    }

    pub(crate) async fn call(&mut self, id: &str) {
        self.sent += 1;
        let call = json!({ "type": 1, "invocationId": id, "target": "m", "arguments": [] });
        self.socket.send(&call).await;
    }

    /// The next message that did not come before.
    pub(crate) async fn next(&mut self) -> Value {
        in_time(async {
            loop {
                let message = self.socket.next().await;
                match message["type"].as_u64() {
                    Some(9) => self.next = message["sequenceId"].as_u64().unwrap(),
                    Some(1..=5) => {
                        let number = self.next;
                        self.next += 1;
                        if number > self.received {
                            self.received = number;
                            let ack = json!({ "type": 8, "sequenceId": number });
                            self.socket.send(&ack).await;
                            return message;
                        }
                    }
                    Some(8) => {}
                    _ => return message,
                }
            }
        })
        .await
    }

    pub(crate) async fn arguments(&mut self) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], 1, "{message}");
        message["arguments"].clone()
    }
}
