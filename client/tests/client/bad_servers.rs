//! Servers that do not speak SignalR, refuse, or send nonsense.

use std::time::Duration;

use axum::{Json, Router, http::StatusCode, routing::any};
use serde_json::{Value, json};
use signalr_client::{Client, ConnectError, Event, Transport};
use tokio::net::TcpListener;

use crate::{
    scene::{Scene, closed, next},
    script::Script,
};

/// The error of a client whose negotiations get this answer.
async fn error_of(status: StatusCode, answer: Value) -> ConnectError {
    let app = Router::new().fallback(any(async move || (status, Json(answer))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Client::new(&format!("http://{host}/hub")).unwrap().connect().await.unwrap_err()
}

#[tokio::test]
async fn servers_that_are_none_are_named() {
    let ok = StatusCode::OK;
    let error = error_of(ok, json!("<html>")).await;
    assert!(error.to_string().contains("does not answer as a SignalR server"), "{error}");
    assert!(matches!(error_of(ok, json!({})).await, ConnectError::NotSignalR { .. }));
    let error = error_of(ok, json!({ "error": "too many" })).await;
    assert_eq!(error.to_string(), "the server refused the negotiation: too many");
    let offers = json!([{ "transport": "Pigeons", "transferFormats": ["Text"] }]);
    let answer = json!({ "connectionId": "x", "availableTransports": offers });
    let error = error_of(ok, answer).await;
    assert!(error.to_string().contains("Pigeons"), "{error}");
    assert!(matches!(error_of(ok, json!({ "url": "::" })).await, ConnectError::NotSignalR { .. }));
    let refused = error_of(StatusCode::FORBIDDEN, json!("no")).await;
    assert_eq!(refused.status(), Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn a_negotiation_in_circles_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hub", listener.local_addr().unwrap());
    let answer = json!({ "url": url });
    let app = Router::new().fallback(any(async move || Json(answer)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let error = Client::new(&url).unwrap().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::TooManyRedirects(_)), "{error}");
}

#[tokio::test]
async fn bad_choices_are_refused_before_anything_is_sent() {
    for url in ["", "localhost:7071", "ftp://x/", "http://"] {
        assert!(matches!(Client::new(url), Err(ConnectError::InvalidUrl { .. })), "{url}");
    }
    let client = || Client::new("http://127.0.0.1:1/hub").unwrap();
    let bad = [
        client().with_transports([]),
        client().without_negotiation(),
        client()
            .with_transports([Transport::ServerSentEvents])
            .with_protocol(signalr_client::Protocol::MessagePack),
    ];
    for client in bad {
        assert!(matches!(client.connect().await, Err(ConnectError::InvalidChoice(_))));
    }
    let error = client().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let scene = Scene::start().await;
    let error = scene.client().with_token("a.b.c").connect().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    let none = scene.client().with_token_source(|| async { Err("the safe is shut".to_owned()) });
    let error = none.connect().await.unwrap_err();
    assert!(error.to_string().contains("the safe is shut"), "{error}");
}

#[tokio::test]
async fn a_refused_handshake_is_told_in_the_servers_words() {
    let script = Script::start().await;
    let client = script.client();
    let refusal = "{\"error\":\"not today\"}\u{1e}";
    let (connected, _server) = tokio::join!(client.connect(), script.accept(refusal));
    assert_eq!(connected.unwrap_err().to_string(), "the server refused the handshake: not today");
}

#[tokio::test]
async fn a_server_that_never_answers_the_handshake_is_given_up() {
    let script = Script::start().await;
    let client = script.client().with_connect_limit(Duration::from_millis(300));
    let (connected, _server) = tokio::join!(client.connect(), script.accept(""));
    assert!(matches!(connected, Err(ConnectError::TimedOut(_))), "{connected:?}");
}

#[tokio::test]
async fn nonsense_ends_the_connection() {
    for nonsense in ["nonsense\u{1e}", "{}\u{1e}", "[1,2]\u{1e}", "{\"type\":1,\"target\":1}\u{1e}"]
    {
        let script = Script::start().await;
        let client = script.client();
        let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
        let (_connection, mut events) = connected.unwrap();
        server.send_text(nonsense).await;
        let text = closed(&mut events).await;
        assert!(text.contains("not a hub message"), "{text}");
    }
}

#[tokio::test]
async fn what_is_too_large_ends_the_connection() {
    let script = Script::start().await;
    let client = script.client().with_max_message(1000);
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (_connection, mut events) = connected.unwrap();
    for _ in 0..3 {
        server.send_text(&"x".repeat(500)).await;
    }
    closed(&mut events).await;
}

#[tokio::test]
async fn unknown_messages_and_answers_to_nothing_are_passed_over() {
    let script = Script::start().await;
    let client = script.client();
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (_connection, mut events) = connected.unwrap();
    for message in [
        json!({ "type": 99 }),
        json!({ "type": 3, "invocationId": "7", "result": 1 }),
        json!({ "type": 2, "invocationId": "7", "item": 1 }),
        json!({ "type": 5, "invocationId": "7" }),
        json!({ "type": 1, "target": "m", "arguments": [] }),
    ] {
        server.send(message).await;
    }
    assert!(matches!(next(&mut events).await, Event::Invocation(_)));
}

#[tokio::test]
async fn silence_and_pings() {
    let script = Script::start().await;
    let client = script
        .client()
        .with_keep_alive(Duration::from_millis(20))
        .with_server_timeout(Duration::from_millis(500));
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (_connection, mut events) = connected.unwrap();
    for _ in 0..3 {
        assert_eq!(server.next().await, json!({ "type": 6 }));
    }
    let text = closed(&mut events).await;
    assert!(text.contains("said nothing for 500ms"), "{text}");
}
