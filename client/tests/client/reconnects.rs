//! Connections that are lost and come back.

use std::time::Duration;

use serde_json::json;
use signalr_client::{Event, Reconnect, Transport};
use signalr_serverless::ConnectionId;

use crate::{
    cutter::Cutter,
    scene::{Scene, arguments, closed, next, numbers},
};

fn at_once() -> Reconnect {
    Reconnect::after([Duration::ZERO; 10])
}

#[tokio::test]
async fn a_connection_that_is_cut_comes_back_with_another_id() {
    let scene = Scene::start().await;
    let cutter = Cutter::before(&scene.host).await;
    for transport in [Transport::WebSockets, Transport::ServerSentEvents, Transport::LongPolling] {
        let client =
            scene.client_at(&cutter.host).with_transports([transport]).with_reconnect(at_once());
        let (connection, mut events) = client.connect().await.unwrap();
        let id = connection.id();
        cutter.cut();
        assert!(matches!(next(&mut events).await, Event::Reconnecting { .. }));
        assert!(matches!(next(&mut events).await, Event::Reconnected { is_stateful: false }));
        assert_ne!(connection.id(), id);
        scene.broadcast(json!(["again"])).await;
        assert_eq!(arguments(&mut events).await, json!(["again"]));
        connection.close().await;
        assert_eq!(closed(&mut events).await, "the client closed the connection");
    }
}

#[tokio::test]
async fn a_stateful_connection_goes_on_without_loss() {
    let scene = Scene::start().await;
    for protocol in [signalr_client::Protocol::Json, signalr_client::Protocol::MessagePack] {
        let cutter = Cutter::before(&scene.host).await;
        let client =
            scene.client_at(&cutter.host).with_protocol(protocol).with_stateful_reconnect();
        let (connection, mut events) = client.connect().await.unwrap();
        let id = connection.id();
        let mut got = Vec::new();
        let mut times_back = 0;
        for number in 0..60 {
            if number % 20 == 10 {
                cutter.cut();
            }
            scene.broadcast(json!([number])).await;
        }
        while got.len() < 60 {
            match next(&mut events).await {
                Event::Invocation(call) => got.push(call.arguments().to_json().unwrap()),
                Event::Reconnected { is_stateful: true } => times_back += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(got, numbers(0..60));
        assert!(times_back > 0);
        assert_eq!(connection.id(), id);
    }
}

#[tokio::test]
async fn a_close_that_allows_it_leads_to_another_connection() {
    let scene = Scene::start().await;
    let (connection, mut events) =
        scene.client().with_reconnect(at_once()).connect().await.unwrap();
    let id = ConnectionId::parse(&connection.id().unwrap()).unwrap();
    scene.hub.connection(id).close(Some("elsewhere")).await.unwrap();
    match next(&mut events).await {
        Event::Reconnecting { reason } => assert!(reason.contains("elsewhere"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(next(&mut events).await, Event::Reconnected { .. }));
}

#[tokio::test]
async fn a_close_that_forbids_it_ends_the_connection() {
    let scene = Scene::start().await;
    let (connection, mut events) =
        scene.client().with_reconnect(at_once()).connect().await.unwrap();
    connection.send("forbidden", &()).await.unwrap();
    let text = closed(&mut events).await;
    assert!(text.contains("clients of this hub only listen"), "{text}");
}

#[tokio::test]
async fn a_service_that_is_gone_is_given_up_in_the_end() {
    let mut scene = Scene::start().await;
    let plan = Reconnect::after([Duration::ZERO, Duration::from_millis(1)]);
    let (connection, mut events) = scene.client().with_reconnect(plan).connect().await.unwrap();
    drop(scene.stop.take());
    assert!(matches!(next(&mut events).await, Event::Reconnecting { .. }));
    closed(&mut events).await;
    assert!(connection.send("late", &()).await.is_err());
}
