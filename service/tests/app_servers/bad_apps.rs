//! Apps that break the protocol: they are cut, and nobody else sees anything of it.

use futures_util::SinkExt;
use serde_json::json;
use signalr_server_protocol::{
    ConnectionKind, HandshakeRequest, Message, MultiConnectionData, Payloads, Ping,
};
use signalr_service::Config;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::{
    app::{App, dial, payloads},
    clients::arrive,
    service::{start, start_with},
};

#[tokio::test]
async fn what_cannot_be_a_message_ends_the_connection() {
    let service = start().await;
    let mut good = App::connect(&service, "good", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    good.accept().await;
    client.next().await;
    let required = [("asrs.s.sn", "good"), ("asrs.s.ssticky", "Required")];
    for bad in [
        Frame::text("{}"),
        // No array.
        Frame::binary(&b"\x01\xc0"[..]),
        // A second handshake.
        Frame::binary(&b"\x08\x97\x01\x01\x00\xa0\x00\x80\xc2"[..]),
    ] {
        let mut app = App::connect(&service, "bad", ConnectionKind::Weak).await;
        app.socket.send(bad.clone()).await.unwrap();
        assert!(app.try_next().await.is_none(), "{bad:?}");
    }
    let _other = arrive(&service, None, &required).await;
    good.accept().await;
    service.broadcast(json!(["still there"])).await;
    assert_eq!(client.arguments().await, json!(["still there"]));
}

#[tokio::test]
async fn a_handshake_must_come_first_and_of_this_version() {
    let service = start().await;
    let future = HandshakeRequest { version: 2, ..HandshakeRequest::new(ConnectionKind::Weak) };
    for first in [Message::from(future), Ping::keep_alive().into()] {
        let mut app = dial(&service, "chat", "a").await.unwrap();
        app.send(first).await;
        match app.next().await {
            Message::HandshakeResponse(response) => assert!(!response.is_accepted()),
            other => panic!("{other:?}"),
        }
        assert!(app.try_next().await.is_none());
    }
}

#[tokio::test]
async fn there_are_only_so_many_server_connections() {
    let service = start_with(Config { max_server_connections: 2, ..Config::default() }).await;
    let _one = App::connect(&service, "a", ConnectionKind::Weak).await;
    let two = App::connect(&service, "a", ConnectionKind::Weak).await;
    let mut three = dial(&service, "chat", "a").await.unwrap();
    three.send(HandshakeRequest::new(ConnectionKind::Weak)).await;
    match three.next().await {
        Message::HandshakeResponse(response) => {
            assert!(response.error.unwrap().starts_with("2 server connections"));
        }
        other => panic!("{other:?}"),
    }
    drop(two);
    // Its place is free when the service has noticed.
    crate::service::in_time(async {
        loop {
            let mut app = dial(&service, "chat", "a").await.unwrap();
            app.send(HandshakeRequest::new(ConnectionKind::Weak)).await;
            if matches!(app.next().await, Message::HandshakeResponse(one) if one.is_accepted()) {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_app_reaches_the_clients_of_another_by_messages_but_not_as_their_app() {
    let service = start().await;
    let mut owner = App::connect(&service, "owner", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = owner.accept().await;
    client.next().await;
    let mut other = App::connect(&service, "other", ConnectionKind::Default).await;
    other.say(&id, payloads("forged").0.remove(0).1).await;
    other.say("nobody", &b"x"[..]).await;
    let (connection_ids, extensions) = (vec![id, "nobody".into()], Default::default());
    other
        .send(MultiConnectionData { connection_ids, payloads: payloads("sent"), extensions })
        .await;
    assert_eq!(client.arguments().await, json!(["sent"]));
    let nothing = Payloads::default();
    let (connection_ids, extensions) = (vec!["a".repeat(100_000)], Default::default());
    other.send(MultiConnectionData { connection_ids, payloads: nothing, extensions }).await;
    service.broadcast(json!(["end"])).await;
    assert_eq!(client.arguments().await, json!(["end"]));
}
