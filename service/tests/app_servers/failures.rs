//! App servers that stop, break, or do not keep up.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use signalr_server_protocol::{ConnectionKind, Message, Ping};
use signalr_service::Config;

use crate::{
    app::App,
    clients::{arrive, url},
    service::{in_time, refusal, start, start_with},
};

#[tokio::test]
async fn clients_of_a_lost_app_may_come_back_and_those_of_others_see_nothing() {
    let service = start().await;
    let mut one = App::connect(&service, "one", ConnectionKind::Default).await;
    let mut lost = arrive(&service, None, &[]).await;
    one.accept().await;
    lost.next().await;
    let mut two = App::connect(&service, "two", ConnectionKind::Default).await;
    let mut other = arrive(&service, None, &[]).await;
    two.accept().await;
    other.next().await;
    // As if the process were killed.
    drop(one);
    let close = lost.closed().await;
    assert_eq!(close["allowReconnect"], true, "{close}");
    let _back = arrive(&service, None, &[]).await;
    two.accept().await;
    service.broadcast(json!(["still there"])).await;
    assert_eq!(other.arguments().await, json!(["still there"]));
    service.until(|counters| counters.connections() == 2).await;
}

#[tokio::test]
async fn an_app_that_stops_gets_no_new_clients_and_keeps_its_own() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    app.send(Ping::note("shutdown", "fin:2")).await;
    assert_eq!(app.next().await, Message::Ping(Ping::note("shutdown", "finack")));
    assert_eq!(refusal(&url(&service, None, &[])).await.0, 503);
    client.send(&json!({ "type": 1, "target": "x", "arguments": [] })).await;
    assert_eq!(app.data().await.0, id);
    app.say(&id, &b"{\"type\":7,\"allowReconnect\":true}\x1e"[..]).await;
    app.socket.close(None).await.unwrap();
    assert_eq!(client.closed().await, json!({ "type": 7, "allowReconnect": true }));
}

#[tokio::test]
async fn clients_of_a_slow_app_wait_and_nothing_of_theirs_is_lost() {
    const MESSAGES: usize = 200;
    let service = start_with(Config { max_queued_bytes: 64 * 1024, ..Config::default() }).await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    app.accept().await;
    client.next().await;
    let text = "x".repeat(100_000);
    let message = json!({ "type": 1, "target": "x", "arguments": [text] });
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let sending = async {
        for _ in 0..MESSAGES {
            client.send(&message).await;
            sent.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    };
    let mut sending = Box::pin(sending);
    // The app does not read: sooner or later the client cannot go on, long before all is sent.
    in_time(async {
        let mut last = usize::MAX;
        loop {
            let now = sent.load(std::sync::atomic::Ordering::SeqCst);
            if now == last && now > 0 {
                break;
            }
            last = now;
            let pause = tokio::time::timeout(Duration::from_secs(1), &mut sending);
            assert!(pause.await.is_err(), "all was sent to an app that reads nothing");
        }
    })
    .await;
    let reading = async {
        for _ in 0..MESSAGES {
            assert!(app.data().await.1.len() > 100_000);
        }
    };
    in_time(async { tokio::join!(sending, reading) }).await;
    assert!(client.socket.close(None).await.is_ok());
}

#[tokio::test]
async fn the_end_of_the_service_closes_server_connections_after_their_clients() {
    let mut service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    service.end();
    client.closed().await;
    assert_eq!(app.closed().await, id);
    assert!(app.try_next().await.is_none());
    assert!(app.try_next().now_or_never().is_some());
    service.stop().await;
}

#[tokio::test]
async fn an_app_that_reads_nothing_holds_only_its_own_clients_up() {
    const CLIENTS: usize = 20;
    let service = start_with(Config { max_queued_bytes: 64 * 1024, ..Config::default() }).await;
    let _deaf = {
        let mut deaf = App::connect(&service, "deaf", ConnectionKind::Default).await;
        let mut clients = Vec::new();
        let text = "x".repeat(900_000);
        let message = format!("{{\"type\":1,\"target\":\"x\",\"arguments\":[\"{text}\"]}}\u{1e}");
        for _ in 0..CLIENTS {
            let mut client = arrive(&service, None, &[]).await;
            deaf.accept().await;
            client.next().await;
            clients.push(client);
        }
        // Until the socket of each is full. What is not taken waits in the client.
        for client in &mut clients {
            for _ in 0..100 {
                let sending = client.send_text(message.clone());
                let sending = tokio::time::timeout(Duration::from_millis(50), sending);
                if sending.await.is_err() {
                    break;
                }
            }
        }
        (deaf, clients)
    };
    let mut quick = App::connect(&service, "quick", ConnectionKind::Default).await;
    let required = [("asrs.s.sn", "quick"), ("asrs.s.ssticky", "Required")];
    let mut client = arrive(&service, None, &required).await;
    let id = quick.accept().await;
    client.next().await;
    for number in 0..100 {
        client.send(&json!({ "type": 1, "target": "x", "arguments": [number] })).await;
        assert_eq!(quick.data().await.0, id);
    }
    // What is held for the deaf app stays within its bound and one read of each client.
    assert!(service.counters.queued_bytes() < 64 * 1024 * 1024);
}
