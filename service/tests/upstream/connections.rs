//! The events `connected` and `disconnected`.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use signalr_serverless::{AccessKey, NegotiateOptions, Token, UserId};
use signalr_service::{Config, Timeouts, WELL_KNOWN_ACCESS_KEY, upstream::Settings};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::watch};

use crate::{
    client::{Client, Running, start_with},
    stand_in::StandIn,
    start, start_for,
};

#[tokio::test]
async fn who_comes_and_goes_is_told_with_all_that_is_known() {
    let upstream = StandIn::start().await;
    let keys = ["a second key, long enough to sign", WELL_KNOWN_ACCESS_KEY];
    let access_keys = keys.iter().map(|key| AccessKey::parse(key).unwrap()).collect();
    let (_, settings) = watch::channel(Settings::all_to(&upstream.url).unwrap());
    let config = Config { access_keys, upstream: Some(settings), ..Config::default() };
    let service = start_with(config).await;
    let mut upstream = upstream;

    let options = NegotiateOptions::default()
        .with_user_id(UserId::parse("ann").unwrap())
        .with_claim("role", "admin");
    let audience = format!("http://{}/client/?hub=chat", service.host);
    let key = AccessKey::parse(keys[1]).unwrap();
    let token = Token::client(&key, &audience, &options, SystemTime::now()).unwrap();
    let query = format!("hub=chat&access_token={}&room=%20a", token.as_str());
    let mut client = Client::open(&format!("ws://{}/client/?{query}", service.host)).await;
    client.shake_hands().await;

    let call = upstream.next().await;
    let id = call.header("x-asrs-connection-id").unwrap().to_owned();
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-asrs-hub", "chat"),
        ("x-asrs-category", "connections"),
        ("x-asrs-event", "connected"),
        ("x-asrs-user-id", "ann"),
        ("x-asrs-client-query", "?hub=chat&room=%20a"),
    ] {
        assert_eq!(call.header(name), Some(value), "{name}");
    }
    let claims = call.header("x-asrs-user-claims").unwrap();
    assert!(claims.contains("role: admin") && claims.contains("asrs.s.uid: ann"), "{claims}");
    assert_eq!(call.header("x-asrs-signature").unwrap().split(",sha256=").count(), 2);
    assert_eq!(call.text(), r#"{"type":10}"#);
    let path = format!("/api/hubs/chat/connections/{id}?api-version=2024-12-01");
    assert_eq!(service.status(Method::HEAD, &path).await, 200);

    drop(client);
    let call = upstream.next().await;
    assert_eq!(call.header("x-asrs-event"), Some("disconnected"));
    assert_eq!(call.header("x-asrs-connection-id"), Some(id.as_str()));
    let shown = format!("{:?} {}", call.headers, call.line);
    assert!(!shown.contains(token.as_str()), "{shown}");
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_is_not_told_of() {
    let (service, mut upstream) = start().await;
    let token = service.client_token("chat", None);
    let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
    drop(Client::open(&url).await);
    let client = service.connect(None).await;
    let call = upstream.next().await;
    assert_eq!(call.header("x-asrs-connection-id"), Some(client.id.as_str()));
}

#[tokio::test]
async fn a_close_by_rest_is_told_with_its_reason() {
    let (service, mut upstream) = start().await;
    let mut client = service.connect(None).await;
    assert_eq!(upstream.next().await.line, "POST /connections/connected");
    let path = format!("/api/hubs/chat/connections/{}", client.id);
    let close = format!("{path}?api-version=2024-12-01&reason=go%20home");
    assert_eq!(service.status(Method::DELETE, &close).await, 200);
    client.closed().await;
    let call = upstream.next().await;
    assert_eq!(call.line, "POST /connections/disconnected");
    assert_eq!(call.text(), r#"{"type":11,"error":"go home"}"#);
}

#[tokio::test]
async fn the_end_of_the_service_is_told_for_every_client() {
    let (service, mut upstream) = start().await;
    let mut ids = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(service.connect(None).await);
        ids.push(upstream.next().await.header("x-asrs-connection-id").unwrap().to_owned());
    }
    let told = async {
        let mut told = Vec::new();
        for _ in 0..3 {
            let call = upstream.next().await;
            assert_eq!(call.line, "POST /connections/disconnected");
            told.push(call.header("x-asrs-connection-id").unwrap().to_owned());
        }
        told
    };
    let close = async {
        for client in &mut clients {
            client.closed().await;
        }
    };
    let ((), (), mut told) = tokio::join!(service.stop(), close, told);
    told.sort_unstable();
    ids.sort_unstable();
    assert_eq!(told, ids);
}

#[tokio::test]
async fn a_client_stays_whatever_the_upstream_says_of_it() {
    let (service, mut upstream) = start().await;
    upstream.will_answer((StatusCode::FORBIDDEN, "not you"));
    let mut client = service.connect(None).await;
    upstream.next().await;
    service.broadcast(json!([1])).await;
    assert_eq!(client.arguments().await, json!([1]));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let service = start_for(&format!("http://{nobody}/")).await;
    let mut client = service.connect(None).await;
    service.broadcast(json!([2])).await;
    assert_eq!(client.arguments().await, json!([2]));
}

/// A service with these time limits, and its upstream.
async fn start_in(timeouts: Timeouts) -> (Running, StandIn) {
    let upstream = StandIn::start().await;
    let (_, settings) = watch::channel(Settings::all_to(&upstream.url).unwrap());
    let config = Config { timeouts, upstream: Some(settings), ..Config::default() };
    (start_with(config).await, upstream)
}

/// What `disconnected` says went wrong with the client that `connected` was of.
async fn end_reason(upstream: &mut StandIn) -> String {
    let connected = upstream.next().await;
    assert_eq!(connected.header("x-asrs-event"), Some("connected"));
    let disconnected = upstream.next().await;
    assert_eq!(disconnected.header("x-asrs-event"), Some("disconnected"));
    let id = "x-asrs-connection-id";
    assert_eq!(disconnected.header(id), connected.header(id));
    let body: Value = serde_json::from_slice(&disconnected.body).unwrap();
    body["error"].as_str().unwrap_or_else(|| panic!("no reason in {body}")).to_owned()
}

#[tokio::test]
async fn a_client_that_stops_polling_is_told_of_with_that_reason() {
    let second = Duration::from_secs(1);
    let (service, mut upstream) =
        start_in(Timeouts { poll_gap: second, ..Timeouts::default() }).await;
    let negotiation = service.negotiate("chat", None).await;
    let path = format!("/client/?hub=chat&id={}", negotiation["connectionToken"].as_str().unwrap());
    let token = service.client_token("chat", None);
    let request = |method| service.http(method, &path).bearer_auth(&token);
    assert_eq!(request(Method::GET).send().await.unwrap().status(), 200);
    let handshake = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    assert_eq!(request(Method::POST).body(handshake).send().await.unwrap().status(), 200);
    let reason = end_reason(&mut upstream).await;
    assert!(reason.starts_with("the client did not poll for "), "{reason}");
}

/// A client with stateful reconnect whose transport is gone, as the service has noticed.
async fn goes_away(service: &Running) -> String {
    let path = "/client/negotiate?hub=chat&negotiateVersion=1&useStatefulReconnect=true";
    let request = service.http(Method::POST, path).bearer_auth(service.client_token("chat", None));
    let negotiation: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(negotiation["useStatefulReconnect"], true, "{negotiation}");
    let connection_token = negotiation["connectionToken"].as_str().unwrap();
    let mut client = Client::open(&service.connect_url("chat", None, connection_token)).await;
    client.send(&json!({ "protocol": "json", "version": 2 })).await;
    assert_eq!(client.next().await, json!({}));
    // No close frame: to the service, the transport broke.
    client.socket.get_mut().shutdown().await.unwrap();
    client.ended().await;
    negotiation["connectionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_that_does_not_come_back_is_told_of_with_that_reason() {
    let second = Duration::from_secs(1);
    let (service, mut upstream) =
        start_in(Timeouts { reconnect: second, ..Timeouts::default() }).await;
    goes_away(&service).await;
    let reason = end_reason(&mut upstream).await;
    assert!(reason.contains("the client did not come back for "), "{reason}");
}

#[tokio::test]
async fn a_client_that_is_closed_while_it_is_away_is_told_of_with_the_reason() {
    for (query, expected) in [("", "the connection was closed"), ("&reason=go%20home", "go home")] {
        let (service, mut upstream) = start().await;
        let id = goes_away(&service).await;
        let close = format!("/api/hubs/chat/connections/{id}?api-version=2024-12-01{query}");
        assert_eq!(service.status(Method::DELETE, &close).await, 200);
        assert_eq!(end_reason(&mut upstream).await, expected);
    }
}

#[tokio::test]
async fn a_renewed_login_is_told_with_what_comes_after() {
    let (service, mut upstream) = start().await;
    let mut client = service.connect(Some("ann")).await;
    let connected = upstream.next().await;
    assert!(connected.header("x-asrs-user-claims").unwrap().contains("asrs.s.uid: ann"));
    let path = "/api/hubs/chat/connections/:refreshAuth?api-version=2026-07-01";
    let renewal = json!({
        "connectionToken": client.connection_token,
        "claims": [{ "type": "role", "value": "editor" }],
    });
    let renewed = service.call(Method::POST, path).json(&renewal).send().await.unwrap();
    assert_eq!(renewed.status(), StatusCode::OK);
    client.send(&json!({ "type": 1, "target": "m", "arguments": [] })).await;
    let call = upstream.next().await;
    assert_eq!(call.header("x-asrs-event"), Some("m"));
    assert_eq!(call.header("x-asrs-user-id"), Some("ann"));
    assert_eq!(call.header("x-asrs-user-claims"), Some("asrs.s.uid: ann, role: editor"));
}
