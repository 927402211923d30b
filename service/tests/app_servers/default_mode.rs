//! Default mode: the way of a client to its app server and back.

use reqwest::Method;
use serde_json::json;
use signalr_server_protocol::{
    BroadcastData, CheckGroupExistenceWithAck, ConnectionKind, Extensions, JoinGroupWithAck,
    Message, MultiConnectionData,
};

use crate::{
    app::{App, payloads},
    clients::arrive,
    service::{Client, in_time, start},
};

#[tokio::test]
async fn a_client_is_given_to_an_app_with_all_that_it_came_with() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let claims = [("role", "admin"), ("asrs.s.aut", "Cookies"), ("color", "red")];
    let mut client = arrive(&service, Some("ann"), &claims).await;
    let open = app.opened().await;
    assert_eq!(open.query, "?hub=chat&asrs.op=%2Fchat&room=1");
    assert_eq!(open.extensions.protocol.as_deref(), Some("json"));
    let claim = |name: &str| {
        let found = open.claims.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    assert_eq!(claim(role), Some("admin"));
    assert_eq!(claim("asrs.s.uid"), Some("ann"));
    assert_eq!(claim("color"), Some("red"));
    assert_eq!(open.headers.get("X-Forwarded-For"), Some("127.0.0.1"));
    assert!(open.headers.get("Asrs-Instance-Id").is_some());
    let (id, handshake) = app.data().await;
    assert_eq!(id, open.connection_id);
    assert_eq!(handshake, &b"{\"protocol\":\"json\",\"version\":1}\x1e"[..]);
    app.say(&id, &b"{}\x1e"[..]).await;
    assert_eq!(client.next().await, json!({}));
    // Both ways, in order, untouched; pings stay here.
    let call = "{\"type\":1, \"target\":\"Echo\",\"arguments\":[ 1.0 ]}\u{1e}";
    let ping = "{\"type\":6}\u{1e}";
    client.send_text([ping, call, call].concat()).await;
    assert_eq!(app.data().await, (id.clone(), [call, call].concat().into()));
    app.say(&id, "{\"type\":3,\"invocationId\":\"1\",\"result\":1.0}\u{1e}").await;
    assert_eq!(client.text().await, "{\"type\":3,\"invocationId\":\"1\",\"result\":1.0}\u{1e}");
    client.socket.close(None).await.unwrap();
    assert_eq!(app.closed().await, id);
}

#[tokio::test]
async fn nothing_reaches_a_client_before_the_answer_to_its_handshake_and_nothing_is_lost() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.opened().await.connection_id;
    app.data().await;
    let (group, extensions) = ("g".to_owned(), Extensions::default());
    app.send(JoinGroupWithAck { connection_id: id.clone(), group, ack_id: 1, extensions }).await;
    app.ack().await;
    service.send("/api/v1/hubs/chat/groups/g", json!(["early"])).await;
    app.say(&id, &b"{}\x1e"[..]).await;
    assert_eq!(client.next().await, json!({}));
    assert_eq!(client.arguments().await, json!(["early"]));
}

#[tokio::test]
async fn an_app_sends_to_all_and_rest_does_too() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = arrive(&service, None, &[]).await;
        client.id = app.accept().await;
        assert_eq!(client.next().await, json!({}));
        clients.push(client);
    }
    let excluded = vec![clients[0].id.clone()];
    let (payloads, extensions) = (payloads("from the app"), Extensions::default());
    app.send(BroadcastData { excluded, payloads, extensions }).await;
    // What was asked before is taken when a question is answered.
    let (group, extensions) = ("g".to_owned(), Extensions::default());
    app.send(CheckGroupExistenceWithAck { group, ack_id: 1, extensions }).await;
    app.ack().await;
    service.broadcast(json!(["by REST"])).await;
    assert_eq!(clients[0].arguments().await, json!(["by REST"]));
    for client in &mut clients[1..] {
        assert_eq!(client.arguments().await, json!(["from the app"]));
        assert_eq!(client.arguments().await, json!(["by REST"]));
    }
}

#[tokio::test]
async fn what_an_app_sends_one_after_the_other_arrives_in_that_order() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    for number in 0..100 {
        let text = number.to_string();
        app.say(&id, payloads(&text).0.remove(0).1).await;
        let (connection_ids, extensions) = (vec![id.clone()], Extensions::default());
        let payloads = payloads(&text);
        app.send(MultiConnectionData { connection_ids, payloads, extensions }).await;
    }
    for number in 0..100 {
        for _ in 0..2 {
            assert_eq!(client.arguments().await, json!([number.to_string()]));
        }
    }
}

#[tokio::test]
async fn an_app_ends_a_client_after_its_last_words() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    app.say(&id, &b"{\"type\":7,\"error\":\"over\"}\x1e"[..]).await;
    app.close_client(&id, "").await;
    assert_eq!(client.closed().await, json!({ "type": 7, "error": "over" }));
    // A handshake that the app refuses.
    let mut client = arrive(&service, None, &[]).await;
    let id = app.opened().await.connection_id;
    app.data().await;
    app.say(&id, &b"{\"error\":\"no\"}\x1e"[..]).await;
    app.close_client(&id, "").await;
    assert_eq!(client.next().await, json!({ "error": "no" }));
    client.ended().await;
}

#[tokio::test]
async fn rest_closes_a_client_and_its_app_learns_of_it() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    let path = format!("/api/v1/hubs/chat/connections/{id}?reason=why");
    assert!(service.status(Method::DELETE, &path).await.is_success());
    assert_eq!(client.closed().await["error"], "why");
    assert_eq!(app.closed().await, id);
}

#[tokio::test]
async fn a_message_in_parts_arrives_as_one() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    let whole = payloads(&"ä".repeat(100)).0.remove(0).1;
    for (payload, partial) in [(whole.slice(..60), true), (whole.slice(60..), false)] {
        let extensions = Extensions { partial, ..Extensions::default() };
        let connection_id = id.clone();
        app.send(signalr_server_protocol::ConnectionData { connection_id, payload, extensions })
            .await;
    }
    assert_eq!(client.arguments().await, json!(["ä".repeat(100)]));
}

#[tokio::test]
async fn clients_of_server_sent_events_and_long_polling_have_an_app_too() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    for transport in ["text/event-stream", "*/*"] {
        let negotiation = service.negotiate("chat", None).await;
        let token = negotiation["connectionToken"].as_str().unwrap();
        let path = format!("/client/?hub=chat&id={token}");
        let bearer = service.client_token("chat", None);
        let get =
            || service.http(Method::GET, &path).header("accept", transport).bearer_auth(&bearer);
        let mut stream = get().send().await.unwrap();
        assert!(stream.status().is_success());
        let post =
            |text: &'static str| service.http(Method::POST, &path).bearer_auth(&bearer).body(text);
        post("{\"protocol\":\"json\",\"version\":1}\u{1e}").send().await.unwrap();
        let id = app.accept().await;
        assert!(
            post("{\"type\":1,\"target\":\"x\",\"arguments\":[]}\u{1e}")
                .send()
                .await
                .unwrap()
                .status()
                .is_success()
        );
        assert!(app.data().await.1.starts_with(b"{\"type\":1"));
        app.say(&id, "{\"type\":1,\"target\":\"last\",\"arguments\":[]}\u{1e}").await;
        let mut received = String::new();
        in_time(async {
            while !received.contains("last") {
                match stream.chunk().await.unwrap() {
                    Some(chunk) => received.push_str(&String::from_utf8_lossy(&chunk)),
                    None => stream = get().send().await.unwrap(),
                }
            }
        })
        .await;
        assert!(received.contains("{}\u{1e}"), "{received}");
        if transport == "*/*" {
            let ended = service.http(Method::DELETE, &path).bearer_auth(&bearer).send();
            assert!(ended.await.unwrap().status().is_success());
        }
        drop(stream);
        assert_eq!(app.closed().await, id);
    }
}

#[tokio::test]
async fn a_client_with_messagepack_gets_what_its_app_wrote() {
    use tokio_tungstenite::tungstenite::Message as Frame;

    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = Client::open(&crate::clients::url(&service, None, &[])).await;
    client.send(&json!({ "protocol": "messagepack", "version": 1 })).await;
    let open = app.opened().await;
    assert_eq!(open.extensions.protocol.as_deref(), Some("messagepack"));
    let (id, _) = app.data().await;
    app.say(&id, &b"{}\x1e"[..]).await;
    assert!(matches!(client.frame().await, Some(Frame::Binary(bytes)) if bytes == b"{}\x1e"[..]));
    let call = &b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90"[..];
    futures_util::SinkExt::send(&mut client.socket, Frame::binary(call)).await.unwrap();
    assert_eq!(app.data().await.1, call);
    let answer = &b"\x08\x95\x03\x80\xa1\x31\x03\xa1x"[..];
    app.say(&id, answer).await;
    assert!(matches!(client.frame().await, Some(Frame::Binary(bytes)) if bytes == answer));
    let mut messages = payloads("json only");
    messages
        .0
        .push(("messagepack".into(), (&b"\x0a\x96\x01\x80\xc0\xa1m\x91\xa1x\x90"[..]).into()));
    let (payloads, extensions) = (messages, Extensions::default());
    app.send(Message::from(BroadcastData { excluded: vec![], payloads, extensions })).await;
    assert!(matches!(client.frame().await, Some(Frame::Binary(bytes)) if bytes[0] == 0x0a));
}

#[tokio::test]
async fn blazors_protocol_passes_through() {
    use tokio_tungstenite::tungstenite::Message as Frame;

    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = Client::open(&crate::clients::url(&service, None, &[])).await;
    client.send(&json!({ "protocol": "blazorpack", "version": 1 })).await;
    assert_eq!(app.opened().await.extensions.protocol.as_deref(), Some("blazorpack"));
    let (id, _) = app.data().await;
    app.say(&id, &b"{}\x1e"[..]).await;
    client.frame().await;
    let call = &b"\x0e\x96\x01\x80\xa1\x31\xa4Echo\x91\xa1x\x90"[..];
    futures_util::SinkExt::send(&mut client.socket, Frame::binary(call)).await.unwrap();
    assert_eq!(app.data().await.1, call);
    let mut messages = payloads("for others");
    messages.0.push(("blazorpack".into(), (&b"\x01\xc0"[..]).into()));
    let (payloads, extensions) = (messages, Extensions::default());
    app.send(BroadcastData { excluded: vec![], payloads, extensions }).await;
    assert!(matches!(client.frame().await, Some(Frame::Binary(bytes)) if bytes == b"\x01\xc0"[..]));
}
