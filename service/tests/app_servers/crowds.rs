//! More than one app should bring: server connections by the thousand, clients by the thousand of an app
//! that takes nothing, and floods of messages about nobody.

use std::time::{Duration, SystemTime};

use futures_util::{
    SinkExt, StreamExt,
    future::{join_all, pending},
    stream,
};
use serde_json::json;
use signalr_http_client::Trust;
use signalr_server_protocol::{
    ConnectionKind, HandshakeRequest, JoinGroupWithAck, Message, MultiConnectionData, Ping,
    UserData,
};
use signalr_serverless::Token;
use signalr_service::{Config, Listen};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::{
    app::{App, dial_with, payloads},
    clients::arrive,
    service::{Running, in_time, key, start, start_with},
};

/// The lines of the metrics that begin so.
pub(crate) async fn metric(service: &Running, name: &str) -> Vec<String> {
    let url = format!("http://{}/metrics", service.admin_host.as_ref().unwrap());
    let http = signalr_http_client::client(&Trust::default()).unwrap();
    let text = http.get(url).send().await.unwrap().text().await.unwrap();
    text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_server_connections_a_thousand_are_taken_and_the_others_learn_why() {
    const ALL: usize = 10_000;
    const MOST: usize = 1000;
    let admin = Some(Listen::Address(([127, 0, 0, 1], 0).into()));
    let service = start_with(Config { admin_listen: admin, ..Config::default() }).await;
    let audience = format!("http://{}/server/?hub=chat", service.host);
    let lifetime = Duration::from_secs(600);
    let token = Token::rest(&key(), &audience, lifetime, SystemTime::now()).unwrap();
    let mut taken = Vec::new();
    let mut refused = 0;
    let dialled = stream::iter(0..ALL).map(|number| {
        let (service, token) = (&service, token.as_str());
        async move {
            let server = format!("s{}", number % 7);
            let mut app = dial_with(service, "chat", &server, token).await.unwrap();
            app.send(HandshakeRequest::new(ConnectionKind::Default)).await;
            let answer = app.next().await;
            (app, answer)
        }
    });
    let mut dialled = dialled.buffer_unordered(32);
    while let Some((mut app, answer)) = dialled.next().await {
        match answer {
            Message::HandshakeResponse(response) if response.is_accepted() => taken.push(app),
            Message::HandshakeResponse(response) => {
                let error = response.error.unwrap();
                assert!(error.starts_with("1000 server connections are open"), "{error}");
                assert!(app.try_next().await.is_none());
                refused += 1;
                if refused % 1000 == 0 {
                    // The others are still there.
                    join_all(taken.iter_mut().map(|app| app.send(Ping::keep_alive()))).await;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    drop(dialled);
    assert_eq!((taken.len(), refused), (MOST, ALL - MOST));
    // Those that are taken serve.
    let mut client = arrive(&service, None, &[]).await;
    let opened = async {
        let all = taken.iter_mut().map(|app| Box::pin(app.accept()));
        futures_util::future::select_all(all).await.0
    };
    in_time(opened).await;
    assert_eq!(client.next().await, json!({}));
    drop((taken, client));
    in_time(async {
        let name = "signalr_server_connections{";
        while metric(&service, name).await.iter().any(|line| !line.ends_with(" 0")) {}
    })
    .await;
    service.until(|counters| counters.queued_bytes() == 0 && counters.connections() == 0).await;
    App::connect(&service, "a", ConnectionKind::Default).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_of_an_app_that_reads_nothing_wait_and_others_notice_nothing() {
    const CLIENTS: usize = 1000;
    const LIMIT: usize = 256 * 1024;
    let service = start_with(Config { max_queued_bytes: LIMIT, ..Config::default() }).await;
    let mut deaf = App::connect(&service, "deaf", ConnectionKind::Default).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = arrive(&service, None, &[]).await;
        deaf.accept().await;
        client.next().await;
        clients.push(client);
    }
    let text = "x".repeat(20_000);
    let message = format!("{{\"type\":1,\"target\":\"x\",\"arguments\":[\"{text}\"]}}\u{1e}");
    // Each says the same again and again, in all a hundred times what may wait for their app.
    let mut talking = Box::pin(join_all(clients.iter_mut().map(|client| {
        let message = &message;
        async move {
            for _ in 0..2 {
                client.send_text(message.clone()).await;
            }
            // What the system has not taken is held up, and the client stays.
            pending::<()>().await;
        }
    })));
    let mut quick = App::connect(&service, "quick", ConnectionKind::Default).await;
    let required = [("asrs.s.sn", "quick"), ("asrs.s.ssticky", "Required")];
    let mut client = arrive(&service, None, &required).await;
    let id = quick.accept().await;
    client.next().await;
    let quick_ones = async {
        for number in 0..100 {
            client.send(&json!({ "type": 1, "target": "x", "arguments": [number] })).await;
            assert_eq!(quick.data().await.0, id);
            quick.say(&id, &b"{\"type\":6}\x1e"[..]).await;
            let held = service.counters.queued_bytes();
            // What its queue takes, what each shard has just read, and the beginnings of messages.
            assert!(held < LIMIT + 8 * 1024 * 1024 + CLIENTS * 128 * 1024, "{held}");
        }
    };
    tokio::select! {
        _ = &mut talking => unreachable!("they talk for ever"),
        () = in_time(quick_ones) => {}
    }
    // They are held up for good, and not cut.
    let held = service.counters.queued_bytes();
    assert!(held >= LIMIT, "{held}");
    assert_eq!(service.counters.connections(), u64::try_from(CLIENTS).unwrap() + 1);
    // At its end its clients and its memory are given back.
    drop(deaf);
    drop(talking);
    drop(clients);
    service.until(|counters| counters.connections() == 1).await;
    service.until(|counters| counters.queued_bytes() == 0).await;
}

#[tokio::test]
async fn past_the_bound_of_all_queues_the_app_is_cut_that_takes_nothing() {
    let config = Config {
        max_queued_bytes: 64 * 1024 * 1024,
        max_queued_bytes_in_all: 8 * 1024 * 1024,
        ..Config::default()
    };
    let service = start_with(config).await;
    let mut deaf = App::connect(&service, "deaf", ConnectionKind::Default).await;
    let mut lost = arrive(&service, None, &[]).await;
    deaf.accept().await;
    lost.next().await;
    let mut quick = App::connect(&service, "quick", ConnectionKind::Default).await;
    let required = [("asrs.s.sn", "quick"), ("asrs.s.ssticky", "Required")];
    let mut client = arrive(&service, None, &required).await;
    let id = quick.accept().await;
    client.next().await;
    let text = "x".repeat(900_000);
    let message = json!({ "type": 1, "target": "x", "arguments": [text] });
    in_time(async { while lost.try_send(&message).await.is_ok() {} }).await;
    service.until(|counters| counters.connections() == 1 && counters.queued_bytes() == 0).await;
    client.send(&json!({ "type": 1, "target": "x", "arguments": [] })).await;
    assert_eq!(quick.data().await.0, id);
    quick.say(&id, payloads("still there").0.remove(0).1).await;
    assert_eq!(client.arguments().await, json!(["still there"]));
    drop(deaf);
}

#[tokio::test]
async fn an_app_that_sends_a_message_without_an_end_is_cut_past_the_bound_of_all_queues() {
    const MEBIBYTE: usize = 1024 * 1024;
    let config = Config { max_queued_bytes_in_all: 4 * MEBIBYTE, ..Config::default() };
    let service = start_with(config).await;
    let mut good = App::connect(&service, "good", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = good.accept().await;
    client.next().await;
    let mut endless = App::connect(&service, "endless", ConnectionKind::Weak).await;
    // 16 MiB are announced, which is the most.
    endless.send_bytes(&b"\x80\x80\x80\x08"[..]).await;
    let part = Frame::binary(vec![0; MEBIBYTE]);
    in_time(async {
        let mut sent = 0;
        while endless.socket.send(part.clone()).await.is_ok() {
            sent += 1;
            assert!(sent < 15, "all of it is taken");
        }
    })
    .await;
    service.until(|counters| counters.queued_bytes() == 0).await;
    client.send(&json!({ "type": 1, "target": "x", "arguments": [] })).await;
    assert_eq!(good.data().await.0, id);
}

#[tokio::test]
async fn a_flood_of_messages_about_nobody_does_nothing_and_holds_nothing() {
    const MESSAGES: i32 = 20_000;
    let service = start().await;
    let mut flooding = App::connect(&service, "flooding", ConnectionKind::Default).await;
    let mut app = App::connect(&service, "good", ConnectionKind::Default).await;
    let required = [("asrs.s.sn", "good"), ("asrs.s.ssticky", "Required")];
    let mut client = arrive(&service, None, &required).await;
    let id = app.accept().await;
    client.next().await;
    let flood = async {
        for number in 0..MESSAGES {
            let nobody = format!("nobody-{number}");
            flooding.say(&nobody, &b"x"[..]).await;
            flooding.close_client(&nobody, "").await;
            let (connection_ids, extensions) = (vec![nobody.clone()], Default::default());
            let payloads = payloads("x");
            flooding
                .send(MultiConnectionData {
                    connection_ids,
                    payloads: payloads.clone(),
                    extensions,
                })
                .await;
            let (user_id, extensions) = (nobody, Default::default());
            flooding.send(UserData { user_id, payloads, extensions }).await;
        }
        let join = JoinGroupWithAck {
            connection_id: "nobody".to_owned(),
            group: "g".to_owned(),
            ack_id: 7,
            extensions: Default::default(),
        };
        flooding.send(join).await;
        // All before it is done.
        assert_eq!(flooding.ack().await.0, 7);
    };
    let others = async {
        for number in 0..100 {
            client.send(&json!({ "type": 1, "target": "x", "arguments": [number] })).await;
            assert_eq!(app.data().await.0, id);
        }
    };
    tokio::join!(flood, others);
    assert_eq!(service.counters.queued_bytes(), 0);
}
