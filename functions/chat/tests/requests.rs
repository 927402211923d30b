//! The requests of a service, made by hand; the service's own REST API is a stand-in over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
};
use serde_json::{Value, json};
use signalr_function_runtime::Config;
use tokio::net::TcpListener;
use tower::ServiceExt;

const KEY: &str = "s3cret";
const CONNECTION: &str = "c1";
/// The HMAC-SHA256 of the connection's id with the key.
const SIGNATURE: &str = "sha256=E5A1E65A7151743873936227F78AC882613A7F69C8A934E3CCFC62BD3DEE3789";

/// The chat with a service that accepts every call, and the calls that this service got.
async fn start() -> (Router, Arc<Mutex<Vec<(String, Value)>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let service = Router::new().fallback(move |request: Request| async move {
        let path = request.uri().to_string();
        let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        noted.lock().unwrap().push((path, body));
        StatusCode::ACCEPTED
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await });
    let connection_string = format!("Endpoint={endpoint};AccessKey={KEY}");
    let config = Config::from_lookup(|key| match key {
        "AzureSignalRConnectionString" => Some(connection_string.as_str()),
        "SIGNALR_HUB" => Some("chat"),
        _ => None,
    });
    (signalr_chat::router(&config.unwrap()).unwrap(), calls)
}

/// The answer to a client that calls `send` with these arguments.
async fn send(chat: &Router, user: Option<&str>, arguments: Value) -> String {
    let body = json!({ "type": 1, "invocationId": "7", "target": "send", "arguments": arguments });
    let request = Request::post("/api/upstream")
        .header("content-type", "application/json")
        .header("x-asrs-connection-id", CONNECTION)
        .header("x-asrs-hub", "chat")
        .header("x-asrs-category", "messages")
        .header("x-asrs-event", "send")
        .header("x-asrs-signature", SIGNATURE)
        .header("x-asrs-user-id", user.unwrap_or_default());
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = chat.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_room_is_told_what_is_said() {
    let (chat, calls) = start().await;
    let sent = "{\"type\":3,\"invocationId\":\"7\",\"result\":null}\u{1e}";
    assert_eq!(send(&chat, None, json!(["Ann", "a room", "hi"])).await, sent);
    assert_eq!(send(&chat, Some("bob"), json!(["Ann", "a room", "hi"])).await, sent);
    let calls = calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 2);
    for ((path, body), from) in calls.iter().zip(["Ann", "bob"]) {
        assert!(path.starts_with("/api/hubs/chat/groups/a%20room/:send?"), "{path}");
        let message = &body["arguments"][0];
        assert_eq!(
            (body["target"].as_str(), message["from"].as_str()),
            (Some("newMessage"), Some(from))
        );
        assert_eq!(message["text"], "hi");
        assert!(message["at"].as_u64().is_some_and(|at| at > 1_600_000_000_000));
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let (chat, calls) = start().await;
    for (arguments, part) in [
        (json!(["Ann", " ", "hi"]), "group name ' '"),
        (json!(["Ann", "room", "\n"]), "the text is blank"),
        (json!(["Ann", "room", "x".repeat(2001)]), "longer than 2000"),
        (json!(["Ann", "room"]), "the arguments do not fit"),
        (json!([1, 2, 3]), "the arguments do not fit"),
    ] {
        let refused = send(&chat, None, arguments).await;
        assert!(refused.contains("\"error\"") && refused.contains(part), "{refused}");
    }
    assert!(calls.lock().unwrap().is_empty());
}
