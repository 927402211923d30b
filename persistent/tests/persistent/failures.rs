//! Services that refuse, end and start again.

use signalr_persistent::{Error, HubConnection, Options};
use signalr_serverless::UserId;

use crate::scene::{Scene, chat, message};

#[tokio::test]
async fn a_wrong_key_is_refused_and_nobody_there_is_said() {
    let scene = Scene::start().await;
    let wrong = scene.service("an-other-key-than-the-services-own-key-is-0");
    match HubConnection::connect(&wrong, chat(), Options::default()).await {
        Err(Error::Refused { status: 401, .. }) => {}
        other => panic!("{other:?}"),
    }
    let service = scene.service(signalr_service::WELL_KNOWN_ACCESS_KEY);
    scene.end().await;
    let refused = HubConnection::connect(&service, chat(), Options::default()).await;
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_service_that_comes_again_gets_what_waits() {
    let scene = Scene::start().await;
    let hub = scene.hub().await;
    let (address, user) = (scene.address, hub.user(UserId::parse("ann").unwrap()));
    assert!(!user.exists().await.unwrap());
    scene.end().await;
    let scene = Scene::at(address).await;
    let mut ann = scene.client("ann").await;
    // The connection is open again when a question is answered.
    crate::scene::in_time(async { while !user.exists().await.unwrap_or(false) {} }).await;
    hub.broadcast(&message("again")).await.unwrap();
    assert_eq!(ann.next().await, "again");
}
