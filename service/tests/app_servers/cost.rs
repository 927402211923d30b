//! What the way over an app server costs: a broadcast beside the same by REST, an echo beside that of a
//! WebSocket without anything between.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt, future::join_all};
use reqwest::Method;
use serde_json::json;
use signalr_server_protocol::{BroadcastData, ConnectionKind, Extensions};
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, connect_async, tungstenite::Message as Frame};

use crate::{
    app::{App, payloads},
    clients::arrive,
    service::{Client, in_time, start},
};

const CLIENTS: usize = 200;
const MESSAGES: usize = 200;
const ECHOES: usize = 500;

/// Waits until a client has got that many bytes of messages.
async fn receive(client: &mut Client, bytes: usize) {
    let mut received = 0;
    while received < bytes {
        match client.frame().await {
            Some(Frame::Text(text)) if text.as_str() != "{\"type\":6}\u{1e}" => {
                received += text.len();
            }
            Some(_) => {}
            None => panic!("the connection ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_of_an_app_costs_no_more_than_one_by_rest() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = arrive(&service, None, &[]).await;
        app.accept().await;
        client.next().await;
        clients.push(client);
    }
    let message = payloads("message");
    let bytes = message.get("json").unwrap().len() * MESSAGES;
    let mut best = [Duration::MAX; 2];
    for _ in 0..3 {
        let begin = Instant::now();
        let sending = async {
            for _ in 0..MESSAGES {
                let (payloads, extensions) = (message.clone(), Extensions::default());
                app.send(BroadcastData { excluded: vec![], payloads, extensions }).await;
            }
        };
        let receiving = join_all(clients.iter_mut().map(|client| receive(client, bytes)));
        in_time(async { tokio::join!(sending, receiving) }).await;
        best[0] = best[0].min(begin.elapsed());

        let begin = Instant::now();
        let body = json!({ "target": "m", "arguments": ["message"] });
        let calls =
            (0..MESSAGES).map(|_| service.call(Method::POST, "/api/v1/hubs/chat").json(&body));
        // Sixteen in flight, as a back end that is in a hurry has.
        let sending = futures_util::stream::iter(calls)
            .for_each_concurrent(16, async |call| drop(call.send().await.unwrap()));
        let receiving = join_all(clients.iter_mut().map(|client| receive(client, bytes)));
        in_time(async { tokio::join!(sending, receiving) }).await;
        best[1] = best[1].min(begin.elapsed());
    }
    let [by_app, by_rest] = best;
    eprintln!("{MESSAGES} broadcasts to {CLIENTS}: {by_app:?} by an app, {by_rest:?} by REST");
    assert!(by_app.as_secs_f64() < by_rest.as_secs_f64() * 1.15, "{by_app:?} {by_rest:?}");
}

/// The middle and the 99th of 100 times.
fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 99 / 100]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_over_an_app_adds_two_hops_to_that_of_a_bare_socket() {
    const CALL: &str = "{\"type\":1,\"target\":\"Echo\",\"arguments\":[\"x\"]}\u{1e}";
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    app.accept().await;
    client.next().await;
    tokio::spawn(async move {
        loop {
            let (id, call) = app.data().await;
            app.say(&id, call).await;
        }
    });
    let mut over_app = Vec::new();
    for _ in 0..ECHOES {
        let begin = Instant::now();
        client.send_text(CALL).await;
        assert_eq!(client.text().await, CALL);
        over_app.push(begin.elapsed());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        while let Some(Ok(frame)) = socket.next().await {
            socket.send(frame).await.unwrap();
        }
    });
    let (mut socket, _) = connect_async(format!("ws://{address}")).await.unwrap();
    let mut direct = Vec::new();
    for _ in 0..ECHOES {
        let begin = Instant::now();
        socket.send(Frame::text(CALL)).await.unwrap();
        socket.next().await.unwrap().unwrap();
        direct.push(begin.elapsed());
    }
    let ([over_app, over_app_99], [direct, direct_99]) =
        (percentiles(over_app), percentiles(direct));
    eprintln!(
        "p50 and p99 over an app {over_app:?} {over_app_99:?}, direct {direct:?} {direct_99:?}"
    );
    // Three sockets in a row instead of one, and ten times that for a busy machine.
    assert!(over_app < direct.max(Duration::from_micros(50)) * 30, "{over_app:?} {direct:?}");
}
