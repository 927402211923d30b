//! Calls, and streams both ways.

use serde_json::{Value, json};
use signalr_client::{CallError, Event};
use signalr_serverless::{ConnectionId, StreamId};
use signalr_service::{ClientMessages, Config};

use crate::{
    scene::{Scene, next},
    script::Script,
};

#[tokio::test]
async fn a_stream_is_fed_by_rest() {
    let config = Config { client_messages: ClientMessages::Ignore, ..Config::default() };
    let scene = Scene::with(config).await;
    let (connection, _events) = scene.client().connect().await.unwrap();
    let mut items = connection.stream("count", &()).await.unwrap();
    let id = ConnectionId::parse(&connection.id().unwrap()).unwrap();
    let stream = scene.hub.connection(id).stream(StreamId::parse(items.id()).unwrap());
    for number in 0..3 {
        stream.send(&number).await.unwrap();
    }
    stream.complete(None).await.unwrap();
    for number in 0..3 {
        assert_eq!(items.next().await.unwrap().unwrap().read::<i32>().unwrap(), number);
    }
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn a_service_without_upstream_refuses_calls() {
    let scene = Scene::start().await;
    let (connection, _events) = scene.client().connect().await.unwrap();
    let error = connection.invoke::<Value>("anything", &()).await.unwrap_err();
    assert!(matches!(&error, CallError::Server(text) if text.contains("no upstream")), "{error}");
}

#[tokio::test]
async fn a_call_sends_streams_and_gets_its_result() {
    let script = Script::start().await;
    let client = script.client();
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (connection, _events) = connected.unwrap();
    let (uploads, answer) = connection.call("sum", &("x",)).with_uploads(2).invoke().await.unwrap();
    let [one, other] = <[_; 2]>::try_from(uploads).unwrap();
    one.send(&1).await.unwrap();
    one.complete().await.unwrap();
    drop(other);
    let call = server.next().await;
    let expected = json!({ "type": 1, "invocationId": "0", "target": "sum", "arguments": ["x"], "streamIds": ["1", "2"] });
    assert_eq!(call, expected);
    assert_eq!(server.next().await, json!({ "type": 2, "invocationId": "1", "item": 1 }));
    assert_eq!(server.next().await, json!({ "type": 3, "invocationId": "1" }));
    let given_up = server.next().await;
    assert_eq!((&given_up["type"], &given_up["invocationId"]), (&json!(3), &json!("2")));
    assert!(given_up["error"].is_string());
    server.send(json!({ "type": 3, "invocationId": "0", "result": 7 })).await;
    assert_eq!(answer.result::<i64>().await.unwrap(), 7);
}

#[tokio::test]
async fn what_nobody_waits_for_is_cancelled() {
    let script = Script::start().await;
    let client = script.client();
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (connection, _events) = connected.unwrap();
    let items = connection.stream("count", &()).await.unwrap();
    assert_eq!(server.next().await["type"], 4);
    drop(items);
    assert_eq!(server.next().await, json!({ "type": 5, "invocationId": "0" }));
    let (_, answer) = connection.call("wait", &()).invoke().await.unwrap();
    assert_eq!(server.next().await["type"], 1);
    drop(answer);
    assert_eq!(server.next().await, json!({ "type": 5, "invocationId": "1" }));
}

#[tokio::test]
async fn calls_that_wait_end_with_the_connection() {
    let script = Script::start().await;
    let client = script.client();
    let (connected, mut server) = tokio::join!(client.connect(), script.accept("{}\u{1e}"));
    let (connection, mut events) = connected.unwrap();
    let (_, answer) = connection.call("wait", &()).invoke().await.unwrap();
    let mut items = connection.stream("count", &()).await.unwrap();
    server.next().await;
    server.next().await;
    server.send(json!({ "type": 2, "invocationId": "1", "item": "one" })).await;
    drop(server);
    assert_eq!(answer.result::<Value>().await, Err(CallError::Lost));
    assert!(items.next().await.unwrap().is_ok());
    assert_eq!(items.next().await.unwrap().unwrap_err(), CallError::Lost);
    assert!(matches!(next(&mut events).await, Event::Closed(_)));
    assert_eq!(connection.send("late", &()).await, Err(CallError::Closed));
}

#[tokio::test]
async fn arguments_that_are_no_array_are_refused() {
    let scene = Scene::start().await;
    for protocol in [signalr_client::Protocol::Json, signalr_client::Protocol::MessagePack] {
        let client = scene.client().with_protocol(protocol);
        let (connection, _events) = client.connect().await.unwrap();
        let error = connection.send("m", &"text").await.unwrap_err();
        assert!(matches!(error, CallError::Payload(_)), "{error:?}");
    }
}
