//! Hubs that ask clients and wait.

use serde_json::json;
use signalr_server_protocol::{
    ClientCompletion, ClientInvocation, ConnectionKind, Extensions, Message, Payloads,
};

use crate::{app::App, clients::arrive, service::start};

fn question(id: &str, client: &str, server: &str) -> ClientInvocation {
    let json = json!({ "type": 1, "target": "ask", "arguments": [], "invocationId": id });
    ClientInvocation {
        invocation_id: id.to_owned(),
        connection_id: client.to_owned(),
        caller_server_id: server.to_owned(),
        payloads: Payloads(vec![("json".to_owned(), format!("{json}\u{1e}").into())]),
        extensions: Extensions::default(),
    }
}

async fn completion(app: &mut App) -> ClientCompletion {
    match app.next().await {
        Message::ClientCompletion(completion) => completion,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn persistent_mode_asks_a_client_without_an_app() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let mut app = App::connect(&service, "a", ConnectionKind::Weak).await;
    app.send(question("q", &client.id, "a")).await;
    assert_eq!(client.next().await["invocationId"], "q");
    client.send(&json!({ "type": 3, "invocationId": "q", "result": 42 })).await;
    let answer = completion(&mut app).await;
    assert_eq!((answer.invocation_id.as_str(), answer.encoding.as_str()), ("q", "json"));
    let completed: serde_json::Value =
        serde_json::from_slice(answer.payload.strip_suffix(b"\x1e").unwrap()).unwrap();
    assert_eq!(completed["result"], 42);
    // An id that is in use.
    for _ in 0..2 {
        app.send(question("twice", &client.id, "a")).await;
    }
    match app.next().await {
        Message::ErrorCompletion(error) => assert!(error.error.contains("with this id waits")),
        other => panic!("{other:?}"),
    }
    client.next().await;
    client.send(&json!({ "type": 3, "invocationId": "twice", "result": 1 })).await;
    assert_eq!(completion(&mut app).await.invocation_id, "twice");
    // A client that leaves, and one that is not there.
    app.send(question("r", &client.id, "a")).await;
    client.next().await;
    drop(client);
    for id in ["r", "s"] {
        if id == "s" {
            app.send(question("s", "nobody", "a")).await;
        }
        match app.next().await {
            Message::ErrorCompletion(error) => {
                assert_eq!(error.invocation_id, id);
                assert!(error.error.ends_with("does not exist."), "{error:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_app_of_the_client_gets_the_answer_as_data_and_says_so() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    app.send(question("q", &id, "a")).await;
    assert_eq!(client.next().await["invocationId"], "q");
    client.send(&json!({ "type": 3, "invocationId": "q", "result": 42 })).await;
    assert_eq!(app.data().await.0, id);
    app.send(answer(&id, "q", "a", "")).await;
    // The id is free again, and a client that leaves answers nothing that was answered.
    app.send(question("q", &id, "a")).await;
    client.next().await;
    app.send(answer(&id, "q", "a", "")).await;
    client.socket.close(None).await.unwrap();
    assert_eq!(app.closed().await, id);
}

fn answer(client: &str, id: &str, server: &str, payload: &'static str) -> ClientCompletion {
    ClientCompletion {
        invocation_id: id.to_owned(),
        connection_id: client.to_owned(),
        server_id: server.to_owned(),
        encoding: "json".to_owned(),
        payload: payload.into(),
        extensions: Extensions::default(),
    }
}

#[tokio::test]
async fn an_app_asks_the_client_of_another_app() {
    let service = start().await;
    let mut owner = App::connect(&service, "owner", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = owner.accept().await;
    client.next().await;
    let mut asking = App::connect(&service, "asking", ConnectionKind::Default).await;
    asking.send(question("q", &id, "asking")).await;
    match owner.next().await {
        Message::ClientInvocation(told) => {
            assert_eq!(
                (told.invocation_id.as_str(), told.caller_server_id.as_str()),
                ("q", "asking")
            );
        }
        other => panic!("{other:?}"),
    }
    client.next().await;
    client.send(&json!({ "type": 3, "invocationId": "q", "result": 42 })).await;
    assert_eq!(owner.data().await.0, id);
    owner.send(answer(&id, "other", "owner", "not asked")).await;
    owner.send(answer(&id, "q", "owner", "the answer")).await;
    let completed = completion(&mut asking).await;
    assert_eq!(
        (&completed.payload[..], completed.server_id.as_str()),
        (&b"the answer"[..], "owner")
    );
}

#[tokio::test]
async fn rest_asks_a_client_that_an_app_has() {
    let service = start().await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    let id = app.accept().await;
    client.next().await;
    let path = format!("/api/hubs/chat/connections/{id}/:invoke?api-version=2024-12-01");
    let call = service.call(reqwest::Method::POST, &path);
    let call = call.json(&json!({ "target": "ask", "arguments": [] })).send();
    let answering = async {
        let id = client.next().await["invocationId"].clone();
        client.send(&json!({ "type": 3, "invocationId": id, "result": 42 })).await;
    };
    let (answer, ()) = tokio::join!(call, answering);
    let answer: serde_json::Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["result"], 42);
}
