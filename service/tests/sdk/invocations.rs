//! What clients are asked and streams that they asked for.

use std::time::Duration;

use serde_json::{Value, json};
use signalr_serverless::{
    ConnectionId, Error, StreamId,
    rest::{ApiVersion, Connection},
};
use signalr_service::{Config, Timeouts};

use crate::{
    client::{Client, start_with},
    scene::{ARGUMENTS, Scene, message},
};

/// Answers one invocation with these fields of a completion.
async fn answer(client: &mut Client, mut completion: Value) {
    let invocation = client.next().await;
    assert_eq!((&invocation["type"], &invocation["target"]), (&json!(1), &json!("m")));
    assert_eq!(invocation["arguments"], json!(ARGUMENTS));
    completion["type"] = json!(3);
    completion["invocationId"] = invocation["invocationId"].clone();
    client.send(&completion).await;
}

fn nobody(scene: &Scene<'_>) -> Connection {
    scene.hub.connection(ConnectionId::parse("nobody").unwrap())
}

pub(crate) async fn invoke(mut scene: Scene<'_>) {
    let (ann, message) = (scene.connection(), message());

    let result = json!({ "result": { "name": "ann", "age": 12_345_678_901_234_567_890_u64 } });
    let (value, ()) =
        tokio::join!(ann.invoke::<Value>(&message), answer(&mut scene.ann, result.clone()));
    assert_eq!(value.unwrap(), result["result"]);

    let (value, ()) = tokio::join!(
        ann.invoke::<String>(&message),
        answer(&mut scene.ann, json!({ "result": "hi" }))
    );
    assert_eq!(value.unwrap(), "hi");

    for nothing in [json!({}), json!({ "result": null })] {
        let (value, ()) = tokio::join!(
            ann.invoke::<Option<String>>(&message),
            answer(&mut scene.ann, nothing.clone())
        );
        assert_eq!(value.unwrap(), None);
        let (value, ()) = tokio::join!(ann.invoke::<()>(&message), answer(&mut scene.ann, nothing));
        value.unwrap();
    }

    let (value, ()) =
        tokio::join!(ann.invoke::<u8>(&message), answer(&mut scene.ann, json!({ "result": "x" })));
    assert!(matches!(value, Err(Error::InvalidReply { .. })), "{value:?}");

    let error = json!({ "error": "no such method" });
    let (value, ()) = tokio::join!(ann.invoke::<()>(&message), answer(&mut scene.ann, error));
    let Err(Error::InvocationFailed { message: said, .. }) = value else { panic!("{value:?}") };
    assert!(said.contains("no such method"), "{said}");

    let gone = nobody(&scene).invoke::<()>(&message).await;
    assert!(matches!(gone, Err(Error::ConnectionGone { .. })), "{gone:?}");
    scene.only(&[]).await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_an_error_of_its_own() {
    let timeouts = Timeouts { invocation: Duration::from_millis(50), ..Timeouts::default() };
    let service = start_with(Config { timeouts, ..Config::default() }).await;
    let scene = Scene::new((&service).into(), ApiVersion::default(), None).await;
    let result = scene.connection().invoke::<()>(&message()).await;
    assert!(matches!(result, Err(Error::InvocationTimedOut { .. })), "{result:?}");
}

pub(crate) async fn stream_items(mut scene: Scene<'_>) {
    let id = StreamId::parse("7 / é").unwrap();
    let stream = scene.connection().stream(id.clone());
    stream.send(&json!({ "x": 1 })).await.unwrap();
    stream.send("text").await.unwrap();
    stream.send_last(&()).await.unwrap();
    let item = |item: Value| json!({ "type": 2, "invocationId": "7 / é", "item": item });
    let expected = json!([
        item(json!({ "x": 1 })),
        item(json!("text")),
        item(json!(null)),
        { "type": 3, "invocationId": "7 / é" },
    ]);
    scene.only_ann_got(expected).await;

    let gone = nobody(&scene).stream(id).send(&1).await;
    assert!(matches!(gone, Err(Error::ConnectionGone { .. })), "{gone:?}");
}

pub(crate) async fn stream_end(mut scene: Scene<'_>) {
    let stream = |id| scene.connection().stream(StreamId::parse(id).unwrap());
    stream("1").complete(None).await.unwrap();
    stream("2").complete(Some("no more")).await.unwrap();
    let expected = json!([
        { "type": 3, "invocationId": "1" },
        { "type": 3, "invocationId": "2", "error": "no more" },
    ]);
    scene.only_ann_got(expected).await;

    let gone = nobody(&scene).stream(StreamId::parse("1").unwrap()).complete(None).await;
    assert!(matches!(gone, Err(Error::ConnectionGone { .. })), "{gone:?}");
}
