use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use signalr_service::{Config, SilentClients, Timeouts};

use crate::client::{Client, start, start_with};

fn one_second() -> Timeouts {
    let second = Duration::from_secs(1);
    Timeouts {
        handshake: second,
        keep_alive: second,
        client: 3 * second,
        close: second,
        ..Timeouts::default()
    }
}

#[tokio::test]
async fn a_close_by_rest_tells_the_reason_and_ends_the_transport() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let path = format!("/api/hubs/chat/connections/{}?api-version=2024-12-01", client.id);
    let close = format!("{path}&reason=go%20home");
    assert_eq!(service.status(Method::DELETE, &close).await, StatusCode::OK);
    let message = client.closed().await;
    assert_eq!(message, json!({ "type": 7, "error": "go home", "allowReconnect": true }));
    assert_eq!(service.status(Method::HEAD, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(service.status(Method::DELETE, &close).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_closed() {
    let service = start_with(Config { timeouts: one_second(), ..Config::default() }).await;
    let mut client = service.connect(None).await;
    assert_eq!(client.next_of_any_type().await, json!({ "type": 6 }));
    client.send(&json!({ "type": 6 })).await;
    let close = client.closed().await;
    assert!(close["error"].as_str().unwrap().contains("sent nothing"), "{close}");
}

#[tokio::test]
async fn a_client_that_never_pings_stays_or_is_closed_as_the_service_is_told() {
    let timeouts = Timeouts { client: Duration::from_secs(2), ..one_second() };
    let config = Config { timeouts, ..Config::default() };
    let service = start_with(config).await;
    let mut client = service.connect(None).await;
    for _ in 0..4 {
        assert_eq!(client.next_of_any_type().await, json!({ "type": 6 }));
    }
    service.broadcast(json!([1])).await;
    assert_eq!(client.arguments().await, json!([1]));
    let timeouts = Timeouts { client: Duration::from_secs(2), ..one_second() };
    let silent_clients = SilentClients::Close;
    let service = start_with(Config { timeouts, silent_clients, ..Config::default() }).await;
    let close = service.connect(None).await.closed().await;
    assert!(close["error"].as_str().unwrap().contains("sent nothing"), "{close}");
}

#[tokio::test]
async fn a_client_that_pings_stays() {
    let service = start_with(Config { timeouts: one_second(), ..Config::default() }).await;
    let mut client = service.connect(None).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        assert_eq!(client.next_of_any_type().await, json!({ "type": 6 }));
        client.send(&json!({ "type": 6 })).await;
    }
    service.broadcast(json!([1])).await;
    assert_eq!(client.arguments().await, json!([1]));
}

#[tokio::test]
async fn no_handshake_in_time_ends_the_connection() {
    let service = start_with(Config { timeouts: one_second(), ..Config::default() }).await;
    let token = service.client_token("chat", None);
    let mut client =
        Client::open(&format!("ws://{}/client/?hub=chat&access_token={token}", service.host)).await;
    assert_eq!(client.next().await, json!({ "error": "Handshake was canceled." }));
    client.ended().await;
}

#[tokio::test]
async fn before_its_handshake_a_connection_is_not_there() {
    let service = start().await;
    let negotiation = service.negotiate("chat", Some("ann")).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    let mut client = Client::open(&service.connect_url("chat", Some("ann"), token)).await;
    let id = negotiation["connectionId"].as_str().unwrap();
    let path = format!("/api/v1/hubs/chat/connections/{id}");
    assert_eq!(service.status(Method::GET, &path).await, StatusCode::NOT_FOUND);
    service.broadcast(json!(["too early"])).await;
    client.shake_hands().await;
    assert_eq!(service.status(Method::GET, &path).await, StatusCode::OK);
    service.broadcast(json!(["in time"])).await;
    assert_eq!(client.arguments().await, json!(["in time"]));
}

#[tokio::test]
async fn a_service_that_ends_tells_its_clients_to_come_back() {
    let service = start().await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(service.connect(None).await);
    }
    let host = service.host.clone();
    let ending = tokio::spawn(service.stop());
    for client in &mut clients {
        let close = client.closed().await;
        assert_eq!(close["allowReconnect"], true);
        assert_eq!(close["error"], "the service is shutting down");
    }
    ending.await.unwrap();
    assert!(tokio::net::TcpStream::connect(host).await.is_err());
}

#[tokio::test]
async fn a_client_that_ignores_the_end_does_not_hold_it_up_for_ever() {
    let service = start_with(Config { timeouts: one_second(), ..Config::default() }).await;
    let _silent = service.connect(None).await;
    service.stop().await;
}
