use std::{num::NonZeroUsize, sync::Arc};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_service::Config;

use crate::client::{PATIENCE, Running, start, start_with};

#[tokio::test]
async fn each_target_reaches_its_own() {
    let service = start().await;
    let mut ann = service.connect(Some("ann")).await;
    let mut ann_too = service.connect(Some("ann")).await;
    let mut bob = service.connect(Some("bob")).await;
    let mut other_hub = service.connect_to("other", Some("ann")).await;
    let group = format!("/api/v1/hubs/chat/groups/g/connections/{}", bob.id);
    assert_eq!(service.status(Method::PUT, &group).await, StatusCode::OK);

    service.send("/api/v1/hubs/chat/users/ann", json!(["user"])).await;
    service.send("/api/v1/hubs/chat/groups/g", json!(["group"])).await;
    service.send(&format!("/api/v1/hubs/chat/connections/{}", ann.id), json!(["one"])).await;
    service.send(&format!("/api/v1/hubs/chat?excluded={}", ann.id), json!(["not ann"])).await;
    service.broadcast(json!(["all"])).await;
    service.send("/api/v1/hubs/other", json!(["other"])).await;

    assert_eq!(ann.arguments().await, json!(["user"]));
    assert_eq!(ann.arguments().await, json!(["one"]));
    assert_eq!(ann.arguments().await, json!(["all"]));
    assert_eq!(ann_too.arguments().await, json!(["user"]));
    assert_eq!(ann_too.arguments().await, json!(["not ann"]));
    assert_eq!(ann_too.arguments().await, json!(["all"]));
    assert_eq!(bob.arguments().await, json!(["group"]));
    assert_eq!(bob.arguments().await, json!(["not ann"]));
    assert_eq!(bob.arguments().await, json!(["all"]));
    assert_eq!(other_hub.arguments().await, json!(["other"]));
}

#[tokio::test]
async fn a_send_to_nobody_is_taken() {
    let service = start().await;
    for path in ["", "/users/u", "/groups/g", "/connections/c"] {
        service.send(&format!("/api/v1/hubs/chat{path}"), json!([])).await;
    }
}

#[tokio::test]
async fn arguments_arrive_to_the_letter() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let arguments = "[12345678901234567890,1.0,1e400,{\"b\":1,\"a\":[null]},\
                     \"2020-01-01T00:00:00Z\",\"\\u2028 \\ud83d\\ude00 é😀\",1,2,3,4,5,6,7]";
    let body = format!("{{\"Target\":\"m\", \"Arguments\": {arguments} }}");
    let call = service.call(Method::POST, "/api/hubs/CHAT/:send?api-version=2024-12-01");
    let call = call.header("content-type", "application/json; charset=utf-8").body(body);
    assert_eq!(call.send().await.unwrap().status(), StatusCode::ACCEPTED);
    let expected = format!("{{\"type\":1,\"target\":\"m\",\"arguments\":{arguments}}}\u{1e}");
    assert_eq!(client.text().await, expected);
}

#[tokio::test]
async fn messages_keep_their_order_for_everyone() {
    const CLIENTS: usize = 40;
    const MESSAGES: i64 = 300;
    let service =
        Arc::new(start_with(Config { shards: NonZeroUsize::new(3), ..Config::default() }).await);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(service.connect(None).await);
    }
    let publisher = {
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            for number in 0..MESSAGES {
                service.broadcast(json!([number])).await;
            }
        })
    };
    let readers = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            for number in 0..MESSAGES {
                assert_eq!(client.arguments().await, json!([number]));
            }
        })
    });
    for reader in join_all(readers).await {
        reader.unwrap();
    }
    publisher.await.unwrap();
}

#[tokio::test]
async fn concurrent_publishers_are_heard_in_one_order() {
    const CLIENTS: usize = 6;
    const PUBLISHERS: usize = 8;
    const EACH: usize = 40;
    let service =
        Arc::new(start_with(Config { shards: NonZeroUsize::new(3), ..Config::default() }).await);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(service.connect(None).await);
    }
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            for number in 0..EACH {
                service.broadcast(json!([publisher, number])).await;
            }
        })
    });
    let mut heard: Vec<Vec<Value>> = Vec::new();
    for publisher in join_all(publishers).await {
        publisher.unwrap();
    }
    for client in &mut clients {
        let mut messages = Vec::new();
        for _ in 0..PUBLISHERS * EACH {
            messages.push(client.arguments().await);
        }
        heard.push(messages);
    }
    assert!(heard.iter().all(|messages| *messages == heard[0]), "orders differ");
}

#[tokio::test]
async fn a_client_that_joins_then_is_sent_to_gets_it() {
    let service = start().await;
    let mut client = service.connect(None).await;
    for number in 0..50 {
        let group = format!("/api/v1/hubs/chat/groups/g{number}");
        let join = format!("{group}/connections/{}", client.id);
        assert_eq!(service.status(Method::PUT, &join).await, StatusCode::OK);
        service.send(&group, json!([number])).await;
        assert_eq!(client.arguments().await, json!([number]));
    }
}

#[tokio::test]
async fn a_slow_client_is_closed_and_the_others_are_not_held_up() {
    let config = Config { max_queued_bytes: 1024 * 1024, ..Config::default() };
    slow_client_is_closed(start_with(config).await).await;
}

/// On a service with a bound of 1 MiB.
pub(crate) async fn slow_client_is_closed(service: Running) {
    let service = Arc::new(service);
    let mut slow = service.connect(None).await;
    let mut quick = service.connect(None).await;
    let large = "x".repeat(500_000);
    let publisher = {
        let (service, large) = (Arc::clone(&service), large.clone());
        tokio::spawn(async move {
            let mut sent = 0;
            // What the kernel buffers comes before the queue, and differs between machines.
            while service.counters.slow_clients_closed() == 0 && sent < 200 {
                service.broadcast(json!([sent, large])).await;
                sent += 1;
            }
            service.broadcast(json!(["end"])).await;
            sent
        })
    };
    let mut received = 0;
    loop {
        let arguments = quick.arguments().await;
        if arguments[0] == "end" {
            break;
        }
        assert_eq!(arguments[0], received);
        received += 1;
    }
    assert_eq!(publisher.await.unwrap(), received);
    assert_eq!(service.counters.slow_clients_closed(), 1);

    // What the slow client does get is whole and in order, and the reason is last.
    let close = tokio::time::timeout(PATIENCE, async {
        let mut next = 0;
        loop {
            let message = slow.next().await;
            if message["type"] == 7 {
                return message;
            }
            assert_eq!(message["arguments"][0], next);
            next += 1;
        }
    });
    let close = close.await.unwrap();
    assert_eq!(close["allowReconnect"], true);
    assert!(close["error"].as_str().unwrap().contains("slower"), "{close}");
}
