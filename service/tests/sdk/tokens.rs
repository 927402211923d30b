//! Tokens and keys that the service hands out: clients connect with them.

use std::time::{Duration, SystemTime};

use signalr_serverless::{NegotiateOptions, Token};

use crate::{
    client::{Client, Running},
    scene::{Scene, user},
};

pub(crate) async fn generate(scene: Scene<'_>) {
    let hour = Duration::from_secs(3600);
    assert!(!scene.hub.user(user("dave / é")).exists().await.unwrap());
    let token = scene.hub.generate_token(Some(&user("dave / é")), hour).await.unwrap();
    let _dave = connect(&scene, scene.service, &token).await;
    assert!(scene.hub.user(user("dave / é")).exists().await.unwrap());

    let token = scene.hub.generate_token(None, hour).await.unwrap();
    connect(&scene, scene.service, &token).await;
}

pub(crate) async fn access_key(scene: Scene<'_>) {
    let signing_key = scene.rest.access_key().await.unwrap();
    assert!(!signing_key.id.is_empty());
    let audience = format!("http://{}/client/?hub={}", scene.later.host, scene.full_hub);
    let options = NegotiateOptions::default();
    let token = Token::client(&signing_key.key, &audience, &options, SystemTime::now()).unwrap();
    connect(&scene, scene.later, &token).await;
}

async fn connect(scene: &Scene<'_>, node: &Running, token: &Token) -> Client {
    let (host, hub) = (&node.host, &scene.full_hub);
    let url = format!("ws://{host}/client/?hub={hub}&access_token={}", token.as_str());
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    client
}
