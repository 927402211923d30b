//! The two flows from end to end: a client negotiates with the function, connects to the service
//! and receives what broadcast sends.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod harness;

use std::net::SocketAddr;

use axum::{body::Body, extract::Request};
use futures_util::{SinkExt, StreamExt};
use harness::{App, app};
use serde_json::{Value, json};
use signalr_service::{Config, Listen};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// The character that ends a message of the JSON protocol.
const SEPARATOR: char = '\u{1e}';

async fn service() -> SocketAddr {
    let config = Config { listen: Listen::Loopback { port: 0 }, ..Config::default() };
    let service = config.bind().await.unwrap();
    let address = *service.addresses().iter().find(|address| address.is_ipv4()).unwrap();
    tokio::spawn(service.run(std::future::pending()));
    address
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    connection_id: String,
    received: Vec<String>,
}

impl Client {
    /// Does what a stock client does: it negotiates with the function and then with the service in
    /// the answer. Then it connects and shakes hands.
    async fn connect(app: &App, path: &str) -> Self {
        let request = Request::post(path).body(Body::empty()).unwrap();
        let (status, _, redirect) = app.send(request).await;
        assert_eq!(status, 200, "{redirect}");
        let url = redirect["url"].as_str().unwrap();
        let bearer = format!("Bearer {}", redirect["accessToken"].as_str().unwrap());

        let (authority, query) =
            url.strip_prefix("http://").unwrap().split_once("/client/?").unwrap();
        let service = App::at(authority.parse().unwrap());
        let negotiation = Request::post(format!("/client/negotiate?{query}&negotiateVersion=1"))
            .header("authorization", &bearer)
            .body(Body::empty())
            .unwrap();
        let (status, _, negotiated) = service.send(negotiation).await;
        assert_eq!(status, 200, "{negotiated}");
        let token = negotiated["connectionToken"].as_str().unwrap();
        let connection_id = negotiated["connectionId"].as_str().unwrap().to_owned();

        let url = format!("ws://{authority}/client/?{query}&id={token}");
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("authorization", bearer.parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut client = Self { socket, connection_id, received: Vec::new() };
        let handshake = format!("{{\"protocol\":\"json\",\"version\":1}}{SEPARATOR}");
        client.socket.send(Message::text(handshake)).await.unwrap();
        assert_eq!(client.next().await, "{}");
        client
    }

    /// The next message that is not a ping, unchanged.
    async fn next(&mut self) -> String {
        loop {
            while let Some(message) = (!self.received.is_empty()).then(|| self.received.remove(0)) {
                if message != r#"{"type":6}"# {
                    return message;
                }
            }
            let frame = self.socket.next().await.unwrap().unwrap();
            let text = frame.to_text().unwrap();
            self.received.extend(text.split_terminator(SEPARATOR).map(str::to_owned));
        }
    }

    /// The first argument of the next invocation.
    async fn next_argument(&mut self) -> Value {
        let message: Value = serde_json::from_str(&self.next().await).unwrap();
        assert_eq!(message["type"], 1, "{message}");
        message["arguments"][0].clone()
    }
}

async fn named_users(service: SocketAddr) -> App {
    let identity = [
        ("NEGOTIATE_IDENTITY", "query:user,anonymous"),
        ("ALLOW_INSECURE_IDENTITY", "true"),
        ("SIGNALR_HUBS", "chat,news"),
    ];
    app(service, &identity).await
}

async fn send(app: &App, hub: &str, messages: Value) {
    let (status, answer) =
        app.post_json(&format!("/api/{hub}/broadcast"), messages.to_string()).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test]
async fn what_is_broadcast_reaches_the_client_to_the_letter() {
    let app = named_users(service().await).await;
    let mut client = Client::connect(&app, "/api/chat/negotiate").await;
    let arguments = r#"[12345678901234567890,1.0,"2024-01-01T00:00:00Z",null,{"z":1,"a":2}]"#;
    let body = format!(r#"{{"target":"newMessage","arguments":{arguments}}}"#);
    let (status, answer) = app.post_json("/api/chat/broadcast", body).await;
    assert_eq!((status, &answer), (202, &json!({ "results": [{ "status": 202 }] })));
    let message = client.next().await;
    assert!(message.contains(&format!(r#""arguments":{arguments}"#)), "{message}");
    assert!(message.contains(r#""target":"newMessage""#), "{message}");
}

#[tokio::test]
async fn each_recipient_gets_its_own_messages_in_order() {
    let app = named_users(service().await).await;
    let mut ann = Client::connect(&app, "/api/chat/negotiate?user=ann").await;
    let mut bob = Client::connect(&app, "/api/negotiate?user=bob").await;
    let mut news = Client::connect(&app, "/api/news/negotiate?user=ann").await;
    let to = |who: Value, text: &str| {
        let mut message = json!({ "target": "m", "arguments": [text] });
        message.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        message
    };
    let messages = json!([
        to(json!({ "userId": "ann" }), "to ann"),
        to(json!({ "connectionId": bob.connection_id }), "to bob"),
        to(json!({ "excluded": [ann.connection_id] }), "to all but ann"),
        to(json!({}), "to all"),
    ]);
    send(&app, "chat", messages).await;
    send(&app, "news", to(json!({}), "to news")).await;
    for (client, expected) in [
        (&mut ann, &["to ann", "to all"][..]),
        (&mut bob, &["to bob", "to all but ann", "to all"]),
        (&mut news, &["to news"]),
    ] {
        for text in expected {
            assert_eq!(client.next_argument().await, *text);
        }
    }
}

#[tokio::test]
async fn groups_are_joined_left_and_listed() {
    let app = named_users(service().await).await;
    let mut ann = Client::connect(&app, "/api/negotiate?user=ann").await;
    let mut bob = Client::connect(&app, "/api/negotiate?user=bob").await;
    let actions = json!([
        { "action": "add", "groupName": "by user", "userId": "ann" },
        { "action": "add", "groupName": "by id", "connectionId": bob.connection_id },
        { "action": "add", "groupName": "by id", "connectionId": "absent" },
        { "action": "check", "groupName": "by user", "userId": "ann" },
        { "action": "check", "groupName": "by user", "userId": "bob" },
        { "action": "check", "groupName": "nobody" },
        { "action": "check", "userId": "bob" },
        { "action": "check", "connectionId": "absent" },
        { "action": "list", "groupName": "by id" },
    ]);
    let (status, answer) = app.post_json("/api/group-admin", actions.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["results"],
        json!([
            { "status": 200 },
            { "status": 200 },
            { "status": 404, "detail": "connection 'absent' does not exist" },
            { "status": 200, "exists": true },
            { "status": 200, "exists": false },
            { "status": 200, "exists": false },
            { "status": 200, "exists": true },
            { "status": 200, "exists": false },
            { "status": 200, "connections": [{ "connectionId": bob.connection_id, "userId": "bob" }] },
        ])
    );
    let to = |group: &str| json!({ "target": "m", "arguments": [group], "groupName": group });
    send(&app, "chat", json!([to("by user"), to("by id")])).await;
    assert_eq!(ann.next_argument().await, "by user");
    assert_eq!(bob.next_argument().await, "by id");

    let leave = json!([
        { "action": "removeAll", "userId": "ann" },
        { "action": "remove", "groupName": "by id", "connectionId": bob.connection_id },
    ]);
    let (status, answer) = app.post_json("/api/group-admin", leave.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let last = json!({ "target": "m", "arguments": ["last"] });
    send(&app, "chat", json!([to("by user"), to("by id"), last])).await;
    assert_eq!(ann.next_argument().await, "last");
    assert_eq!(bob.next_argument().await, "last");
}

#[tokio::test]
async fn a_bad_item_among_three_and_none_is_delivered() {
    let app = named_users(service().await).await;
    let mut client = Client::connect(&app, "/api/chat/negotiate").await;
    let good = json!({ "target": "m", "arguments": ["never"] });
    let bad = json!({ "target": "m", "arguments": ["never"], "groupname": "g" });
    let (status, problem) =
        app.post_json("/api/chat/broadcast", json!([good, bad, good]).to_string()).await;
    assert_eq!((status, &problem["index"]), (400, &json!(1)));
    send(&app, "chat", json!({ "target": "m", "arguments": ["first"] })).await;
    assert_eq!(client.next_argument().await, "first");
}

#[tokio::test]
async fn a_wrong_key_is_told_as_a_refusal_of_the_service() {
    let service = service().await;
    let connection_string = format!("Endpoint=http://{service};AccessKey=wrong");
    let app = app(service, &[("AzureSignalRConnectionString", &connection_string)]).await;
    let message = json!({ "target": "m", "arguments": [] });
    let (status, problem) = app.post_json("/api/broadcast", message.to_string()).await;
    assert_eq!(status, 502, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("401"), "{problem}");
}
