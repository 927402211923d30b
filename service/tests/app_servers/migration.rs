//! Clients that go on with another app server when theirs stops or is lost.

use serde_json::json;
use signalr_server_protocol::{
    ClientInvocation, ConnectionKind, Extensions, HandshakeRequest, Message, MigrationLevel,
    Payloads, Ping,
};
use signalr_service::{Config, Listen};

use crate::{
    app::{App, dial, payloads},
    clients::arrive,
    crowds::metric,
    service::{Client, Running, start, start_with},
};

/// Ann, whose app server `old` lets its clients go.
async fn meet(service: &Running, migration: MigrationLevel) -> (App, Client, String) {
    let mut old = dial(service, "chat", "old").await.unwrap();
    old.send(HandshakeRequest { migration, ..HandshakeRequest::new(ConnectionKind::Default) })
        .await;
    assert!(matches!(old.next().await, Message::HandshakeResponse(_)));
    let mut client = arrive(service, Some("ann"), &[]).await;
    let id = old.accept().await;
    client.next().await;
    (old, client, id)
}

/// The client that goes on with `new`.
async fn left(old: &mut App) -> String {
    match old.next().await {
        Message::CloseConnection(close) => {
            assert_eq!(close.headers.get("Asrs-Migrate-To"), Some("new"));
            close.connection_id
        }
        other => panic!("{other:?}"),
    }
}

/// The client that came from `old`.
async fn came(new: &mut App) -> String {
    let open = new.opened().await;
    assert_eq!(open.headers.get("Asrs-Migrate-From"), Some("old"));
    let (id, handshake) = new.data().await;
    assert!(handshake.starts_with(b"{\"protocol\""));
    assert_eq!(open.connection_id, id);
    id
}

async fn stop(app: &mut App) {
    app.send(Ping::note("shutdown", "fin:1")).await;
    assert_eq!(app.next().await, Message::Ping(Ping::note("shutdown", "finack")));
}

fn call(id: &str) -> serde_json::Value {
    json!({ "type": 1, "target": "x", "arguments": [], "invocationId": id })
}

fn result(id: &str) -> serde_json::Value {
    json!({ "type": 3, "invocationId": id, "result": id })
}

#[tokio::test]
async fn clients_of_an_app_that_migrates_them_go_on_with_another_and_notice_nothing() {
    let service = start().await;
    let (mut old, mut client, id) = meet(&service, MigrationLevel::Shutdown).await;
    // Alone it keeps its clients.
    old.send(Ping::note("shutdown", "fin:1")).await;
    assert_eq!(old.next().await, Message::Ping(Ping::note("shutdown", "finack")));
    let mut new = App::connect(&service, "new", ConnectionKind::Default).await;
    old.send(Ping::note("shutdown", "fin:1")).await;
    assert_eq!(old.next().await, Message::Ping(Ping::note("shutdown", "finack")));
    assert_eq!(left(&mut old).await, id);
    let open = new.opened().await;
    assert_eq!(open.headers.get("Asrs-Migrate-From"), Some("old"));
    assert!(open.claims.0.contains(&("asrs.s.uid".to_owned(), "ann".to_owned())));
    assert!(new.data().await.1.starts_with(b"{\"protocol\""));
    old.socket.close(None).await.unwrap();
    client.send(&json!({ "type": 1, "target": "x", "arguments": [] })).await;
    assert_eq!(new.data().await.0, id);
    new.say(&id, payloads("from the new one").0.remove(0).1).await;
    assert_eq!(client.arguments().await, json!(["from the new one"]));
}

#[tokio::test]
async fn a_client_whose_calls_are_under_way_goes_when_they_are_answered() {
    let service = start().await;
    let (mut old, mut client, id) = meet(&service, MigrationLevel::Shutdown).await;
    let mut other = arrive(&service, None, &[]).await;
    let other_id = old.accept().await;
    other.next().await;
    let mut new = App::connect(&service, "new", ConnectionKind::Default).await;
    let stream = json!({ "type": 4, "target": "x", "arguments": [], "invocationId": "2" });
    for call in [call("1"), stream] {
        client.send(&call).await;
        assert_eq!(old.data().await.0, id);
    }
    stop(&mut old).await;
    // Only the one goes that waits for nothing.
    assert_eq!(left(&mut old).await, other_id);
    assert_eq!(came(&mut new).await, other_id);
    old.say(&id, format!("{}\u{1e}", result("1"))).await;
    assert_eq!(client.next().await, result("1"));
    // It may call again meanwhile. An item is not an end, and two answers may come together.
    client.send(&call("3")).await;
    assert_eq!(old.data().await.0, id);
    let item = json!({ "type": 2, "invocationId": "2", "item": 1 });
    old.say(&id, format!("{item}\u{1e}{}\u{1e}", result("3"))).await;
    assert_eq!(client.next().await, item);
    assert_eq!(client.next().await, result("3"));
    let end = json!({ "type": 3, "invocationId": "2" });
    old.say(&id, format!("{end}\u{1e}")).await;
    assert_eq!(client.next().await, end);
    assert_eq!(left(&mut old).await, id);
    assert_eq!(came(&mut new).await, id);
    client.send(&call("4")).await;
    assert_eq!(new.data().await.0, id);
    new.say(&id, format!("{}\u{1e}", result("4"))).await;
    assert_eq!(client.next().await, result("4"));
}

#[tokio::test]
async fn a_client_that_is_asked_goes_when_it_has_answered() {
    let service = start().await;
    let (mut old, mut client, id) = meet(&service, MigrationLevel::Shutdown).await;
    let mut new = App::connect(&service, "new", ConnectionKind::Default).await;
    old.send(ClientInvocation {
        invocation_id: "q".to_owned(),
        connection_id: id.clone(),
        caller_server_id: "old".to_owned(),
        payloads: Payloads(vec![("json".to_owned(), format!("{}\u{1e}", call("q")).into())]),
        extensions: Extensions::default(),
    })
    .await;
    assert_eq!(client.next().await["invocationId"], "q");
    stop(&mut old).await;
    client.send(&result("q")).await;
    assert_eq!(old.data().await.0, id);
    assert_eq!(left(&mut old).await, id);
    assert_eq!(came(&mut new).await, id);
}

#[tokio::test]
async fn the_calls_that_a_lost_app_has_not_answered_fail_and_their_client_goes_on() {
    let admin_listen = Some(Listen::Loopback { port: 0 });
    let service = start_with(Config { admin_listen, ..Config::default() }).await;
    let (mut old, mut client, id) = meet(&service, MigrationLevel::Any).await;
    let mut new = App::connect(&service, "new", ConnectionKind::Default).await;
    client.send(&call("1")).await;
    assert_eq!(old.data().await.0, id);
    drop(old);
    assert_eq!(came(&mut new).await, id);
    let failed = client.next().await;
    assert_eq!((&failed["type"], &failed["invocationId"]), (&json!(3), &json!("1")), "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("lost"), "{failed}");
    client.send(&call("2")).await;
    assert_eq!(new.data().await.0, id);
    // A client that moved is not lost.
    let lost = "signalr_server_clients_lost_total";
    assert_eq!(metric(&service, lost).await, [format!("{lost} 0")]);
    drop(new);
    assert_eq!(client.closed().await["allowReconnect"], true);
    assert_eq!(metric(&service, lost).await, [format!("{lost} 1")]);
}

#[tokio::test]
async fn a_client_that_calls_without_end_stays_where_it_is() {
    let service = start().await;
    let (mut old, mut client, id) = meet(&service, MigrationLevel::Shutdown).await;
    let _new = App::connect(&service, "new", ConnectionKind::Default).await;
    for number in 0..=1024 {
        client.send(&call(&number.to_string())).await;
        assert_eq!(old.data().await.0, id);
    }
    stop(&mut old).await;
    for number in 0..=1024 {
        old.say(&id, format!("{}\u{1e}", result(&number.to_string()))).await;
        client.next().await;
    }
    client.send(&call("last")).await;
    assert_eq!(old.data().await.0, id);
    old.socket.close(None).await.unwrap();
    assert_eq!(client.closed().await["allowReconnect"], true);
}
