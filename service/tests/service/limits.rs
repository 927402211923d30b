//! What happens past each limit, and that the others are served as before.

use std::num::NonZeroUsize;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_service::Config;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::client::{Client, Running, refusal, start_with};

const API: &str = "?api-version=2024-12-01";

async fn connect_refused(service: &Running, user: Option<&str>) -> (u16, String) {
    let token = service.client_token("chat", user);
    refusal(&format!("ws://{}/client/?hub=chat&access_token={token}", service.host)).await
}

#[tokio::test]
async fn past_the_connections_in_all_a_client_is_refused_and_back_ends_are_served() {
    let config = Config { max_connections: Some(2), ..Config::default() };
    let service = start_with(config).await;
    let (first, mut second) = (service.connect(None).await, service.connect(Some("ann")).await);
    let (status, text) = connect_refused(&service, None).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("as many connections as it may have"), "{text}");
    assert_eq!(service.counters.connections_refused(), 1);
    service.broadcast(json!([1])).await;
    assert_eq!(second.arguments().await, json!([1]));
    let path = format!("/api/hubs/chat/connections/{}{API}", first.id);
    assert_eq!(service.status(Method::DELETE, &path).await, StatusCode::OK);
    drop(first);
    service.until(|counters| counters.connections() == 1).await;
    service.connect(None).await;
}

#[tokio::test]
async fn past_the_connections_of_a_user_only_that_user_is_refused() {
    let config = Config { max_connections_per_user: Some(1), ..Config::default() };
    let service = start_with(config).await;
    let _ann = service.connect(Some("ann")).await;
    let (status, text) = connect_refused(&service, Some("ann")).await;
    assert_eq!(status, 429, "{text}");
    let _others = [service.connect(Some("bob")).await, service.connect(None).await];
}

#[tokio::test]
async fn past_the_calls_under_way_a_caller_is_told_when_to_come_back() {
    let service = start_with(Config { max_calls: 1, ..Config::default() }).await;
    let mut client = service.connect(None).await;
    let path = format!("/api/hubs/chat/connections/{}/:invoke{API}", client.id);
    let waiting = service.call(Method::POST, &path).json(&json!({ "target": "ask" })).send();
    let waiting = tokio::spawn(waiting);
    let call: Value = client.next().await;
    let send = format!("/api/hubs/chat/:send{API}");
    let refused = service.call(Method::POST, &send).json(&json!({ "target": "m" }));
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["x-ms-error-code"], "Error.TooManyRequests");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(service.counters.calls_refused(), 1);
    client.send(&json!({ "type": 3, "invocationId": call["invocationId"], "result": 1 })).await;
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    service.broadcast(json!([1])).await;
}

#[tokio::test]
async fn a_client_that_sends_without_end_is_closed_and_others_are_not() {
    let service = start_with(Config { max_messages_per_second: 50, ..Config::default() }).await;
    let mut other = service.connect(None).await;
    let mut client = service.connect(None).await;
    for _ in 0..200 {
        if client.try_send(&json!({ "type": 6 })).await.is_err() {
            break;
        }
    }
    let close = client.closed().await;
    assert!(close["error"].as_str().unwrap().contains("more than 50 messages a second"), "{close}");
    service.broadcast(json!([1])).await;
    assert_eq!(other.arguments().await, json!([1]));
}

/// More waits than may: those who have most waiting are closed, and one that reads gets everything.
#[tokio::test]
async fn past_the_bytes_in_all_those_with_most_waiting_are_closed() {
    let megabyte = 1024 * 1024;
    let config = Config { max_queued_bytes_in_all: 16 * megabyte, ..Config::default() };
    let service = start_with(config).await;
    let mut reader = service.connect(None).await;
    let stalled = join_all((0..8).map(|_| service.connect(None))).await;
    // A message of this size is taken even while too much waits.
    let text = "x".repeat(60 * 1024);
    for number in 0..600 {
        service.broadcast(json!([number, text])).await;
        assert_eq!(reader.arguments().await[0], number);
        let waiting = service.counters.queued_bytes();
        // The messages under way add half a megabyte each before a client is closed.
        assert!(waiting < 20 * megabyte, "{waiting} bytes wait");
    }
    service.until(|counters| counters.slow_clients_closed() > 0).await;
    drop(stalled);
    service.until(|counters| counters.queued_bytes() == 0).await;
}

/// A caller that goes away in the middle of a list: all of it is carried out, or nothing.
#[tokio::test]
async fn a_list_whose_caller_went_away_is_carried_out_whole_or_not_at_all() {
    // With one shard, a list of 400 has to wait for places in its queue.
    let service = start_with(Config { shards: NonZeroUsize::new(1), ..Config::default() }).await;
    let mut client: Client = service.connect(Some("ann")).await;
    let groups: Vec<String> = (0..400).map(|number| format!("g{number}")).collect();
    for group in &groups {
        let path = format!("/api/hubs/chat/groups/{group}/connections/{}{API}", client.id);
        assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    }
    let path = format!("/api/v1-preview/hub/chat/groups/{}", groups.join(","));
    for number in 0..20 {
        let body = json!({ "target": "m", "arguments": [number] }).to_string();
        let token = service.rest_token(&path);
        let mut socket = TcpStream::connect(&service.host).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            service.host,
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        drop(socket);
    }
    // Each look takes what came before an end of its own, until two in a row find the same.
    let (mut counts, mut before) = ([0; 20], None);
    for _ in 0..1000 {
        if before == Some(counts) && counts != [0; 20] {
            break;
        }
        before = Some(counts);
        service.broadcast(json!(["end"])).await;
        while let Some(number) = client.arguments().await[0].as_u64() {
            counts[usize::try_from(number).unwrap()] += 1;
        }
    }
    assert!(counts.contains(&400), "no call arrived: {counts:?}");
    assert!(counts.iter().all(|count| [0, 400].contains(count)), "{counts:?}");
}
