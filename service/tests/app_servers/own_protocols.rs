//! Clients with a hub protocol that only their app knows: their bytes pass through as they are.

use futures_util::SinkExt;
use reqwest::Method;
use serde_json::json;
use signalr_server_protocol::{
    BroadcastData, ConnectionKind, Extensions, MultiConnectionData, Payloads,
};
use tokio_tungstenite::tungstenite::{Message as Frame, protocol::frame::coding::CloseCode};

use crate::{
    app::{App, payloads},
    clients::{arrive, url},
    service::{Client, Running, start},
};

const HANDSHAKE: &str = "{\"protocol\":\"own\",\"version\":7}\u{1e}";

/// A client that speaks `own`, with its app.
async fn meet(service: &Running) -> (App, Client) {
    let mut app = App::connect(service, "a", ConnectionKind::Default).await;
    let mut client = Client::open(&url(service, None, &[])).await;
    client.send_text(HANDSHAKE).await;
    let open = app.opened().await;
    assert_eq!(open.extensions.protocol.as_deref(), Some("own"));
    let (id, handshake) = app.data().await;
    assert_eq!(handshake, HANDSHAKE);
    app.say(&id, &b"{}\x1e"[..]).await;
    assert_eq!(client.frame().await, Some(Frame::text("{}\u{1e}")));
    client.id = id;
    (app, client)
}

#[tokio::test]
async fn what_is_no_message_of_a_known_protocol_passes_both_ways_as_it_is() {
    let service = start().await;
    let (mut app, mut client) = meet(&service).await;
    // Neither a record nor a length, and a ping of no protocol.
    for text in ["x", "\u{1e}\u{1e}", "{\"type\":6}\u{1e}", "{\"type\":7}\u{1e}"] {
        client.send_text(text).await;
        assert_eq!(app.data().await, (client.id.clone(), text.to_owned().into()));
        app.say(&client.id, text.to_owned()).await;
        assert_eq!(client.frame().await, Some(Frame::text(text)));
    }
    // What is not text is never in a frame for text.
    app.say(&client.id, &b"\xff\xfe"[..]).await;
    assert_eq!(client.frame().await, Some(Frame::binary(&b"\xff\xfe"[..])));
    for bytes in [&b"\xff\x00"[..], b"like text"] {
        client.socket.send(Frame::binary(bytes)).await.unwrap();
        assert_eq!(app.data().await.1, bytes);
        app.say(&client.id, bytes).await;
        assert_eq!(client.frame().await, Some(Frame::binary(bytes)));
    }
}

#[tokio::test]
async fn messages_for_many_come_in_the_protocol_of_each() {
    let service = start().await;
    let (mut app, mut client) = meet(&service).await;
    let mut other = arrive(&service, None, &[]).await;
    app.accept().await;
    other.next().await;
    let mut both = payloads("for all");
    both.0.push(("own".to_owned(), "for its own".into()));
    let extensions = Extensions::default;
    let broadcast =
        |payloads| BroadcastData { excluded: vec![], payloads, extensions: extensions() };
    app.send(broadcast(both)).await;
    // Neither of these has a form for it.
    app.send(broadcast(payloads("for the other"))).await;
    for expected in ["for all", "for the other"] {
        assert_eq!(other.arguments().await, json!([expected]));
    }
    service.broadcast(json!(["by REST"])).await;
    assert_eq!(other.arguments().await, json!(["by REST"]));
    let (connection_ids, payloads) =
        (vec![client.id.clone()], Payloads(vec![("own".to_owned(), "the end".into())]));
    app.send(MultiConnectionData { connection_ids, payloads, extensions: extensions() }).await;
    for expected in ["for its own", "the end"] {
        assert_eq!(client.frame().await, Some(Frame::text(expected)));
    }
}

#[tokio::test]
async fn at_the_end_the_service_says_nothing_in_a_protocol_that_it_does_not_know() {
    let service = start().await;
    let (mut app, mut client) = meet(&service).await;
    let path = format!("/api/v1/hubs/chat/connections/{}", client.id);
    assert!(service.status(Method::DELETE, &path).await.is_success());
    match client.frame().await {
        Some(Frame::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Normal),
        other => panic!("{other:?}"),
    }
    assert_eq!(app.closed().await, client.id);
    drop(client);
    service.until(|counters| counters.connections() == 0).await;
}

#[tokio::test]
async fn a_name_that_is_too_long_and_stateful_reconnect_are_refused() {
    let service = start().await;
    let _app = App::connect(&service, "a", ConnectionKind::Default).await;
    let long = "x".repeat(65);
    let mut client = Client::open(&url(&service, None, &[])).await;
    client.send(&json!({ "protocol": long, "version": 1 })).await;
    let error = client.next().await["error"].as_str().unwrap().to_owned();
    assert!(error.ends_with("x' is not supported."), "{error}");
    let token = crate::clients::token(&service, None, &[]);
    let path = "/client/negotiate?hub=chat&negotiateVersion=1&useStatefulReconnect=true";
    let negotiation = service.http(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    let negotiation: serde_json::Value = negotiation.json().await.unwrap();
    assert_eq!(negotiation["useStatefulReconnect"], true, "{negotiation}");
    let id = negotiation["connectionToken"].as_str().unwrap();
    let url = format!("ws://{}/client/?hub=chat&id={id}&access_token={token}", service.host);
    let mut client = Client::open(&url).await;
    client.send_text(HANDSHAKE).await;
    let error = client.next().await["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("stateful reconnect needs"), "{error}");
}
