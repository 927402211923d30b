//! The three recorded conversations, played against the service: the app says what the SDK said, clients
//! say what the recording passed on, and the service answers as the recording's peer did.
//!
//! Where it does not, [`DIFFERENT`] says why.

use std::collections::HashMap;

use bytes::BytesMut;
use serde_json::{Value, json};
use signalr_server_protocol::{
    AckStatus, ConnectionKind, HandshakeRequest, HandshakeResponse, Message, Ping, decode, split,
};

use crate::{
    app::dial,
    clients::url,
    service::{Client, Running, in_time, start},
};

/// What the recording's peer answered on purpose, to see what the SDK makes of it, or for reasons that
/// it had: conversation and ack id, the recorded status, ours and why.
const DIFFERENT: &[(&str, i32, Option<i32>, i32, &str)] = &[
    ("persistent", 3, Some(4), 2, "the peer failed on purpose; there is no such connection"),
    ("persistent", 4, Some(5), 2, "the peer refused on purpose; there is no such connection"),
    ("persistent", 11, Some(1), 2, "the peer says yes for a user that left all groups just before"),
    ("persistent", 16, None, 2, "the peer was silent on purpose; c1 was closed just before"),
    ("queries", 6, Some(2), 1, "the peer said no on purpose; the SDK throws at it"),
    ("queries", 8, Some(1), 2, "connection tokens are not followed yet"),
    ("queries", 9, Some(1), 2, "connection tokens are not followed yet"),
    ("queries", 11, Some(1), 2, "connection tokens are not followed yet"),
    ("queries", 12, Some(1), 2, "connection tokens are not followed yet"),
    ("queries", 13, Some(5), 2, "connection tokens are not followed yet"),
    ("queries", 15, Some(1), 2, "connection tokens are not followed yet"),
];

fn conversation(name: &str) -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../../server-protocol/tests/server-vectors.json"))
            .unwrap();
    file["conversation"][name]["messages"].as_array().unwrap().clone()
}

fn message(step: &Value, ids: &HashMap<String, String>) -> Option<Message> {
    let bytes = base16ct::lower::decode_vec(step["hex"].as_str()?).unwrap();
    let body = split(&mut BytesMut::from(&bytes[..]), usize::MAX).unwrap().unwrap();
    let mut message = decode(body).unwrap().unwrap();
    let real = |id: &mut String| {
        if let Some(known) = ids.get(id) {
            id.clone_from(known);
        }
    };
    match &mut message {
        Message::ConnectionData(one) => {
            real(&mut one.connection_id);
            if let Ok(text) = std::str::from_utf8(&one.payload) {
                let named = |text: String, (id, known): (&String, &String)| {
                    text.replace(&format!("\"{id}\""), &format!("\"{known}\""))
                };
                one.payload = ids.iter().fold(text.to_owned(), named).into();
            }
        }
        Message::CloseConnection(one) => real(&mut one.connection_id),
        Message::OpenConnection(one) => real(&mut one.connection_id),
        Message::MultiConnectionData(one) => one.connection_ids.iter_mut().for_each(real),
        Message::BroadcastData(one) => one.excluded.iter_mut().for_each(real),
        Message::GroupBroadcastData(one) => one.excluded.iter_mut().for_each(real),
        Message::JoinGroupWithAck(one) => real(&mut one.connection_id),
        Message::LeaveGroupWithAck(one) => real(&mut one.connection_id),
        Message::CheckConnectionExistenceWithAck(one) => real(&mut one.connection_id),
        Message::ClientInvocation(one) => real(&mut one.connection_id),
        Message::ClientCompletion(one) => real(&mut one.connection_id),
        Message::ErrorCompletion(one) => real(&mut one.connection_id),
        _ => {}
    }
    Some(message)
}

fn status(of: AckStatus) -> i32 {
    match of {
        AckStatus::Ok => 1,
        AckStatus::NotFound => 2,
        AckStatus::Timeout => 3,
        AckStatus::InternalServerError => 4,
        AckStatus::Forbidden => 5,
        AckStatus::Other(other) => other,
    }
}

/// Plays a conversation without clients of its own. Each message of the app is answered by an ack with
/// its id, if it has one, and the recorded status.
async fn play_questions(name: &str, service: &Running, ids: &HashMap<String, String>) {
    let mut app = dial(service, "chat", "recorded").await.unwrap();
    let (mut expected, mut actual) = (HashMap::new(), HashMap::new());
    let mut is_open = false;
    for step in conversation(name) {
        let Some(message) = message(&step, ids) else { continue };
        match (step["from"].as_str().unwrap(), message) {
            ("app", Message::HandshakeRequest(_)) => {
                app.send_bytes(base16ct::lower::decode_vec(step["hex"].as_str().unwrap()).unwrap())
                    .await;
            }
            ("app", Message::GroupMemberQuery(mut query)) => {
                // Continuations are the service's own.
                query.continuation = None;
                expected.entry(query.ack_id).or_insert(None);
                app.send(query).await;
            }
            ("app", message) => {
                if let Some(id) = ack_id(&message) {
                    expected.entry(id).or_insert(None);
                }
                app.send(message).await;
            }
            ("service", Message::Ack(ack)) => {
                expected.insert(ack.ack_id, Some(status(ack.status)));
            }
            ("service", Message::HandshakeResponse(_)) => {
                let Message::HandshakeResponse(answer) = app.next().await else { panic!() };
                assert!(answer.is_accepted());
                is_open = true;
            }
            ("service", Message::Ping(_)) => {}
            other => panic!("{other:?}"),
        }
        // One after the other, as the SDK waits for each.
        while is_open && actual.len() < expected.len() {
            let (id, came) = app.ack().await;
            actual.insert(id, status(came));
        }
    }
    assert!(expected.len() > 9, "{expected:?}");
    for (id, recorded) in expected {
        let different = DIFFERENT.iter().find(|one| (one.0, one.1) == (name, id));
        match different {
            Some((_, _, theirs, ours, why)) => {
                assert_eq!((recorded, actual[&id]), (*theirs, *ours), "{name} {id}: {why}");
            }
            None => assert_eq!(Some(actual[&id]), recorded, "{name} {id}"),
        }
    }
}

fn ack_id(message: &Message) -> Option<i32> {
    let text = format!("{message:?}");
    let (_, rest) = text.split_once("ack_id: ")?;
    rest.split([',', ' ']).next()?.parse().ok()
}

#[tokio::test]
async fn persistent_mode() {
    let service = start().await;
    let client = service.connect(None).await;
    let ids = HashMap::from([("c1".to_owned(), client.id.clone())]);
    play_questions("persistent", &service, &ids).await;
}

#[tokio::test]
async fn queries() {
    let service = start().await;
    let mut client = arrived(&service, "u1").await;
    let ids = HashMap::new();
    play_questions("queries", &service, &ids).await;
    client.socket.close(None).await.unwrap();
}

async fn arrived(service: &Running, user: &str) -> Client {
    service.connect(Some(user)).await
}

/// What of the conversation in default mode is left out: the client that is on another instance of the
/// service, and the questions of another app, which `client_results` plays with an app of its own.
fn is_left_out(message: &Message) -> bool {
    let text = format!("{message:?}");
    ["conn-0002", "conn-0003-x", "ServiceMapping"].iter().any(|one| text.contains(one))
        || matches!(message, Message::ConnectionData(data)
        if std::str::from_utf8(&data.payload).is_ok_and(|text| {
            ["conn-0002", "\"15\"", "conn-0003-x"].iter().any(|one| text.contains(one))
        }))
}

#[tokio::test]
async fn default_mode() {
    let service = start().await;
    let mut app = dial(&service, "chat", "recorded").await.unwrap();
    app.send(HandshakeRequest::new(ConnectionKind::Default)).await;
    let accepted = Message::HandshakeResponse(HandshakeResponse::accepted());
    assert_eq!(app.next().await, accepted);
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut played = 0;
    for step in conversation("default") {
        let Some(recorded) = message(&step, &HashMap::new()) else { continue };
        let message = message(&step, &ids).unwrap();
        if is_left_out(&recorded) {
            continue;
        }
        let from = step["from"].as_str().unwrap();
        match (from, message) {
            (_, Message::HandshakeRequest(_) | Message::HandshakeResponse(_)) => continue,
            (_, Message::Ping(ping)) if ping == Ping::keep_alive() => continue,
            // We never ask for an echo, and count no clients.
            (_, Message::Ping(ping)) if ping.value("echo").is_some() => continue,
            ("app", Message::Ping(ping)) if ping.value("shutdown").is_some() => {
                if step["on"] == "sc1" {
                    app.send(ping).await;
                    assert_eq!(app.next().await, Message::Ping(Ping::note("shutdown", "finack")));
                }
            }
            ("app", Message::Ping(ping)) => app.send(ping).await,
            ("service", Message::Ping(_)) => continue,
            ("service", Message::OpenConnection(open)) => {
                let user = open.claims.0.iter().find(|(name, _)| name == "asrs.s.uid").unwrap();
                let claims =
                    [("asrs.s.aut", "Cookies"), ("role", "admin"), ("asrs.u.aud", "custom")];
                let mut client = Client::open(&url(&service, Some(&user.1), &claims)).await;
                let protocol = open.extensions.protocol.clone().unwrap();
                client.send(&json!({ "protocol": protocol, "version": 1 })).await;
                let ours = app.opened().await;
                assert_eq!(ours.extensions, open.extensions);
                for claim in &open.claims.0 {
                    let is_ours = ours.claims.0.contains(claim);
                    let is_its_own =
                        ["aud", "exp", "iat", "nbf", "iss"].contains(&claim.0.as_str());
                    assert!(is_ours || is_its_own, "{claim:?} of {:?}", ours.claims);
                }
                ids.insert(open.connection_id.clone(), ours.connection_id.clone());
                clients.insert(ours.connection_id, client);
            }
            ("service", Message::ConnectionData(data)) => {
                let text = std::str::from_utf8(&data.payload);
                let client = clients.get_mut(&data.connection_id).unwrap();
                if text.is_ok_and(|text| text.contains("\"type\":6")) {
                    // A client's ping stays here: nothing comes of it in the app either.
                    client.send(&json!({ "type": 6 })).await;
                    continue;
                }
                // A handshake was sent when the client came.
                let is_handshake = text.is_ok_and(|text| text.starts_with("{\"protocol\""));
                match text {
                    Ok(_) if is_handshake => {}
                    Ok(text) => client.send_text(text.to_owned()).await,
                    Err(_) => say_binary(client, data.payload.clone()).await,
                }
                let (id, came) = app.data().await;
                if is_handshake {
                    let ours: Value = serde_json::from_slice(&came[..came.len() - 1]).unwrap();
                    let theirs: Value =
                        serde_json::from_slice(&data.payload[..data.payload.len() - 1]).unwrap();
                    assert_eq!((id, ours), (data.connection_id, theirs));
                } else {
                    assert_eq!((id, came), (data.connection_id, data.payload));
                }
            }
            ("app", Message::ConnectionData(data)) => {
                app.send(data.clone()).await;
                if let Some(client) = clients.get_mut(&data.connection_id) {
                    gets(client, &data.payload).await;
                }
            }
            ("service", Message::Ack(ack)) => {
                assert_eq!(app.ack().await, (ack.ack_id, ack.status));
            }
            ("service", Message::CloseConnection(close)) => {
                let mut client = clients.remove(&close.connection_id).unwrap();
                client.socket.close(None).await.unwrap();
                assert_eq!(app.closed().await, close.connection_id);
            }
            ("app", Message::CloseConnection(close)) => {
                app.send(close.clone()).await;
                let client = clients.remove(&close.connection_id);
                client.unwrap().ended().await;
            }
            ("service", Message::ErrorCompletion(error)) => {
                let Message::ErrorCompletion(ours) = app.next().await else { panic!() };
                assert_eq!(ours.invocation_id, error.invocation_id);
                assert_eq!(ours.error, error.error);
            }
            ("app", message) => {
                let receives = receivers(&message, &ids);
                app.send(message.clone()).await;
                for (id, payload) in receives {
                    if let Some(client) = clients.get_mut(&id) {
                        gets(client, &payload).await;
                    }
                }
            }
            other => panic!("{other:?}"),
        }
        played += 1;
    }
    assert!(played > 70, "{played}");
    assert!(clients.is_empty());
}

/// Which of the clients that speak JSON get it. `conn-0001` is user1 and in the group while there is
/// one.
fn receivers(message: &Message, ids: &HashMap<String, String>) -> Vec<(String, bytes::Bytes)> {
    let to = |all: &[&str], excluded: &[String], payloads: &signalr_server_protocol::Payloads| {
        let Some(payload) = payloads.get("json") else { return Vec::new() };
        let ids = all.iter().filter_map(|name| ids.get(*name));
        let ids = ids.filter(|id| !excluded.contains(id));
        ids.map(|id| (id.clone(), payload.clone())).collect()
    };
    let json = ["conn-0001", "conn-0003"];
    match message {
        Message::BroadcastData(one) => to(&json, &one.excluded, &one.payloads),
        Message::MultiConnectionData(one) => one
            .connection_ids
            .iter()
            .filter_map(|id| Some((id.clone(), one.payloads.get("json")?.clone())))
            .collect(),
        Message::UserData(one) => to(&json[..1], &[], &one.payloads),
        Message::MultiUserData(one) => to(&json[..1], &[], &one.payloads),
        Message::GroupBroadcastData(one) => to(&json[..1], &one.excluded, &one.payloads),
        Message::MultiGroupBroadcastData(one) => to(&json[..1], &[], &one.payloads),
        // conn-0003 is asked.
        Message::ClientInvocation(one) => {
            vec![(one.connection_id.clone(), one.payloads.get("json").unwrap().clone())]
        }
        _ => Vec::new(),
    }
}

async fn say_binary(client: &mut Client, payload: bytes::Bytes) {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message as Frame;

    client.socket.send(Frame::binary(payload)).await.unwrap();
}

/// Waits until a client gets exactly these bytes.
async fn gets(client: &mut Client, payload: &[u8]) {
    use tokio_tungstenite::tungstenite::Message as Frame;

    in_time(async {
        loop {
            let came = match client.frame().await {
                Some(Frame::Text(text)) => text.as_bytes().to_vec(),
                Some(Frame::Binary(bytes)) => bytes.to_vec(),
                other => panic!("{other:?}"),
            };
            if came == payload {
                return;
            }
            // Broadcasts in MessagePack, which the client that speaks it gets too.
            assert!(came[0] != b'{', "{} instead of {}", text(&came), text(payload));
        }
    })
    .await;
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
