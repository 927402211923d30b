//! Which app server a client is given to, and what happens without one.

use serde_json::json;
use signalr_server_protocol::{ConnectionKind, HandshakeRequest, Message};
use signalr_serverless::HubName;
use signalr_service::{BrokerSettings, Config, ServiceMode, ServiceModes, StartError};

use crate::{
    app::{App, dial, dial_with},
    clients::{arrive, url},
    service::{refusal, start, start_with},
};

fn of(mode: ServiceMode) -> Config {
    Config { service_modes: ServiceModes::of_all(mode), ..Config::default() }
}

#[tokio::test]
async fn in_default_mode_clients_without_an_app_are_refused_with_the_reason() {
    let service = start_with(of(ServiceMode::Default)).await;
    let (status, text) = refusal(&url(&service, None, &[])).await;
    assert_eq!(status, 503);
    assert!(text.contains("no app server of this hub is connected"), "{text}");
    let _weak = App::connect(&service, "weak", ConnectionKind::Weak).await;
    assert_eq!(refusal(&url(&service, None, &[])).await.0, 503);
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let _client = arrive(&service, None, &[]).await;
    app.accept().await;
}

#[tokio::test]
async fn in_classic_mode_a_hub_without_an_app_is_serverless() {
    let service = start().await;
    let _weak = App::connect(&service, "weak", ConnectionKind::Weak).await;
    let mut listening = service.connect(None).await;
    let mut app = App::connect(&service, "a", ConnectionKind::Default).await;
    let _other = App::connect_to(&service, "other", "a", ConnectionKind::Default).await;
    let mut client = arrive(&service, None, &[]).await;
    app.accept().await;
    assert_eq!(client.next().await, json!({}));
    service.broadcast(json!(["to both"])).await;
    assert_eq!(client.arguments().await, json!(["to both"]));
    assert_eq!(listening.arguments().await, json!(["to both"]));
    // And again when the app is gone.
    app.socket.close(None).await.unwrap();
    client.closed().await;
    let mut listening = service.connect(None).await;
    service.broadcast(json!(["to the new one"])).await;
    assert_eq!(listening.arguments().await, json!(["to the new one"]));
}

#[tokio::test]
async fn in_serverless_mode_an_app_may_only_send() {
    let modes = ServiceModes::of_all(ServiceMode::Serverless)
        .with(HubName::parse("other").unwrap(), ServiceMode::Classic);
    let service = start_with(Config { service_modes: modes, ..Config::default() }).await;
    let mut app = dial(&service, "chat", "a").await.unwrap();
    app.send(HandshakeRequest::new(ConnectionKind::Default)).await;
    match app.next().await {
        Message::HandshakeResponse(response) => {
            let error = response.error.unwrap();
            assert!(error.contains("--service-mode"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(app.try_next().await.is_none());
    App::connect(&service, "a", ConnectionKind::Weak).await;
    App::connect_to(&service, "other", "a", ConnectionKind::Default).await;
}

#[tokio::test]
async fn a_client_goes_to_the_server_that_its_token_names() {
    let service = start().await;
    let mut one = App::connect(&service, "one", ConnectionKind::Default).await;
    let mut two = App::connect(&service, "two", ConnectionKind::Default).await;
    let required = |server| [("asrs.s.sn", server), ("asrs.s.ssticky", "Required")];
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(arrive(&service, None, &required("two")).await);
        two.accept().await;
    }
    assert_eq!(refusal(&url(&service, None, &required("three"))).await.0, 503);
    let preferred = [("asrs.s.sn", "three"), ("asrs.s.ssticky", "Preferred")];
    // There are fewest.
    clients.push(arrive(&service, None, &preferred).await);
    one.accept().await;
}

#[tokio::test]
async fn a_token_that_is_for_something_else_lets_no_app_in() {
    let service = start().await;
    for token in [
        service.client_token("chat", None),
        service.rest_token("/api/v1/hubs/chat"),
        service.rest_token("/server/?hub=chat").replace('.', ".x"),
    ] {
        match dial_with(&service, "chat", "a", &token).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                assert_eq!(response.status(), 401);
            }
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("let in"),
        }
    }
}

#[tokio::test]
async fn default_mode_with_a_broker_is_refused_at_the_start() {
    let broker = Some(BrokerSettings::parse("redis://127.0.0.1:1").unwrap());
    let refused = Config { broker, ..of(ServiceMode::Default) }.bind().await;
    assert!(matches!(refused, Err(StartError::AppServersOfCluster)), "{refused:?}");
}
