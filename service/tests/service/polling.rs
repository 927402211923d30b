//! Server-Sent Events and long polling, request by request.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use signalr_service::{Config, Timeouts};
use tokio::time::timeout;

use crate::client::{PATIENCE, Running, in_time, refusal, start, start_with};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// A connection of the hub `chat` by HTTP requests.
struct Connection<'a> {
    service: &'a Running,
    id: String,
    token: String,
    path: String,
}

impl<'a> Connection<'a> {
    async fn negotiate(service: &'a Running) -> Self {
        let negotiation = service.negotiate("chat", Some("ann")).await;
        let path =
            format!("/client/?hub=chat&id={}", negotiation["connectionToken"].as_str().unwrap());
        let id = negotiation["connectionId"].as_str().unwrap().to_owned();
        Self { service, id, token: service.client_token("chat", Some("ann")), path }
    }

    async fn poll_first(service: &'a Running) -> Self {
        let connection = Self::negotiate(service).await;
        assert_eq!(connection.poll().await, (StatusCode::OK, String::new()));
        connection.post(HANDSHAKE).await;
        assert_eq!(connection.poll().await.1, "{}\u{1e}");
        connection
    }

    fn request(&self, method: Method) -> RequestBuilder {
        self.service.http(method, &self.path).bearer_auth(&self.token)
    }

    async fn poll(&self) -> (StatusCode, String) {
        let response = timeout(PATIENCE, self.request(Method::GET).send()).await.unwrap().unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn post(&self, body: &str) -> StatusCode {
        let request = self.request(Method::POST).body(body.to_owned());
        request.send().await.unwrap().status()
    }
}

#[tokio::test]
async fn polls_bring_messages_in_order() {
    let service = start().await;
    let connection = Connection::poll_first(&service).await;
    for number in 0..3 {
        service.broadcast(json!([number])).await;
    }
    let mut messages = String::new();
    in_time(async {
        while messages.matches('\u{1e}').count() < 3 {
            messages.push_str(&connection.poll().await.1);
        }
    })
    .await;
    let expected: String = (0..3)
        .map(|number| format!("{{\"type\":1,\"target\":\"m\",\"arguments\":[{number}]}}\u{1e}"))
        .collect();
    assert_eq!(messages, expected);
    let waiting = connection.poll();
    let (poll, ()) = tokio::join!(waiting, service.broadcast(json!(["later"])));
    assert!(poll.1.contains("later"));
}

#[tokio::test]
async fn a_newer_poll_ends_the_older_with_204() {
    let service = start().await;
    let connection = Connection::poll_first(&service).await;
    let (mut one, mut other) = (Box::pin(connection.poll()), Box::pin(connection.poll()));
    let (older, newer) = tokio::select! {
        older = &mut one => (older, other),
        older = &mut other => (older, one),
    };
    assert_eq!(older, (StatusCode::NO_CONTENT, String::new()));
    let (newer, ()) = tokio::join!(newer, service.broadcast(json!(["for the newer"])));
    assert!(newer.1.contains("for the newer"));
}

#[tokio::test]
async fn a_delete_ends_a_polling_client() {
    let service = start().await;
    let connection = Connection::poll_first(&service).await;
    let path = format!("/api/v1/hubs/chat/connections/{}", connection.id);
    assert_eq!(service.status(Method::GET, &path).await, StatusCode::OK);
    let deleted = connection.request(Method::DELETE).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::ACCEPTED);
    assert_eq!(service.status(Method::GET, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(connection.poll().await.0, StatusCode::NOT_FOUND);
    assert_eq!(connection.post("x").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_close_reaches_a_polling_client_then_204() {
    let service = start().await;
    let connection = Connection::poll_first(&service).await;
    let path = format!("/api/v1/hubs/chat/connections/{}?reason=home", connection.id);
    let (poll, status) = tokio::join!(connection.poll(), service.status(Method::DELETE, &path));
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(poll.1, "{\"type\":7,\"error\":\"home\",\"allowReconnect\":true}\u{1e}");
    assert_eq!(connection.poll().await, (StatusCode::NO_CONTENT, String::new()));
}

#[tokio::test]
async fn a_client_that_polls_no_more_is_gone() {
    let timeouts = Timeouts { poll_gap: Duration::from_secs(1), ..Timeouts::default() };
    let service = start_with(Config { timeouts, ..Config::default() }).await;
    let connection = Connection::poll_first(&service).await;
    service.until(|counters| counters.connections() == 0).await;
    assert_eq!(connection.poll().await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn events_arrive_as_they_are_sent() {
    let service = start().await;
    let connection = Connection::negotiate(&service).await;
    let request = connection.request(Method::GET).header("accept", "text/event-stream");
    let mut events = request.send().await.unwrap();
    assert_eq!(events.status(), StatusCode::OK);
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let mut read_until = async |end: &str| {
        in_time(async {
            while !text.ends_with(end) {
                let chunk = events.chunk().await.unwrap().unwrap();
                text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await;
        std::mem::take(&mut text)
    };
    assert_eq!(read_until(":\r\n").await, ":\r\n");
    assert_eq!(connection.post(HANDSHAKE).await, StatusCode::OK);
    assert_eq!(read_until("\r\n\r\n").await, "data: {}\u{1e}\r\n\r\n");
    service.broadcast(json!(["hi"])).await;
    assert_eq!(
        read_until("\r\n\r\n").await,
        "data: {\"type\":1,\"target\":\"m\",\"arguments\":[\"hi\"]}\u{1e}\r\n\r\n"
    );

    let second = connection.request(Method::GET).header("accept", "text/event-stream");
    assert_eq!(second.send().await.unwrap().status(), StatusCode::CONFLICT);
    assert_eq!(connection.poll().await.0, StatusCode::BAD_REQUEST);
    let deleted = connection.request(Method::DELETE).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::BAD_REQUEST);
    drop(events);
    service.until(|counters| counters.connections() == 0).await;
}

#[tokio::test]
async fn each_wrong_request_has_its_answer() {
    let service = start().await;
    let token = service.client_token("chat", Some("ann"));
    for (method, id, status, text) in [
        (Method::GET, "", 400, "Connection ID required"),
        (Method::POST, "", 400, "Connection ID required"),
        (Method::DELETE, "", 400, "Connection ID required"),
        (Method::GET, "&id=x", 404, "No Connection with that ID"),
        (Method::POST, "&id=x", 404, "No Connection with that ID"),
        (Method::DELETE, "&id=x", 404, "No Connection with that ID"),
        (Method::PUT, "&id=x", 405, "use GET, POST or DELETE"),
    ] {
        let request = service.http(method, &format!("/client/?hub=chat{id}")).bearer_auth(&token);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.text().await.unwrap(), text);
    }
    let polling = Connection::poll_first(&service).await;
    let url = format!("ws://{}{}&access_token={token}", service.host, polling.path);
    assert_eq!(refusal(&url).await.0, 400);
    let large = "x".repeat(1024 * 1024 + 1);
    assert_eq!(polling.post(&large).await, StatusCode::PAYLOAD_TOO_LARGE);

    let ann = service.connect(Some("ann")).await;
    let negotiated = Connection::negotiate(&service).await;
    assert_eq!(negotiated.post(HANDSHAKE).await, StatusCode::NOT_FOUND, "before a transport");
    drop(ann);
}

#[tokio::test]
async fn a_post_to_a_websocket_is_not_allowed() {
    let service = start().await;
    let negotiated = Connection::negotiate(&service).await;
    let url = format!("ws://{}{}&access_token={}", service.host, negotiated.path, negotiated.token);
    let _socket = crate::client::Client::open(&url).await;
    assert_eq!(negotiated.post(HANDSHAKE).await, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(negotiated.poll().await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn message_pack_cannot_go_over_events() {
    let service = start().await;
    let connection = Connection::negotiate(&service).await;
    let request = connection.request(Method::GET).header("accept", "text/event-stream");
    let mut events = request.send().await.unwrap();
    connection.post("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}").await;
    let mut text = String::new();
    in_time(async {
        while let Some(chunk) = events.chunk().await.unwrap() {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    })
    .await;
    let expected = "Cannot use the 'messagepack' protocol on the current transport. The transport \
                    does not support 'Binary' transfer format.";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn clients_without_a_socket_are_told_of_the_end_and_do_not_hold_it_up() {
    let timeouts = Timeouts { close: Duration::from_secs(3600), ..Timeouts::default() };
    let service = start_with(Config { timeouts, ..Config::default() }).await;
    let connection = Connection::negotiate(&service).await;
    let request = connection.request(Method::GET).header("accept", "text/event-stream");
    let events = request.send().await.unwrap();
    connection.post(HANDSHAKE).await;
    let polling = Connection::poll_first(&service).await;
    let (poll, delete) = (polling.request(Method::GET), polling.request(Method::DELETE));
    let ending = tokio::spawn(service.stop());
    let poll = timeout(PATIENCE, poll.send()).await.unwrap().unwrap();
    assert!(poll.text().await.unwrap().contains("the service is shutting down"));
    assert_eq!(delete.send().await.unwrap().status(), StatusCode::ACCEPTED);
    let events = timeout(PATIENCE, events.text()).await.unwrap().unwrap();
    assert!(events.contains("the service is shutting down"));
    ending.await.unwrap();
}
