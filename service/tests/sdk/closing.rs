//! Who is there, and closing.

use serde_json::json;
use signalr_serverless::ConnectionId;

use crate::scene::{ARGUMENTS, Scene, is_closed, user as user_id};

/// Checks that Carol, who is the last one, still gets what is sent to all.
async fn carol_remains(scene: &mut Scene<'_>) {
    scene.service.send(&format!("/api/v1/hubs/{}", scene.full_hub), json!(ARGUMENTS)).await;
    assert_eq!(scene.carol.arguments().await, json!(ARGUMENTS));
}

pub(crate) async fn connection_exists(mut scene: Scene<'_>) {
    assert!(scene.connection().exists().await.unwrap());
    let nobody = scene.hub.connection(ConnectionId::parse("nobody").unwrap());
    assert!(!nobody.exists().await.unwrap());
    scene.only(&[]).await;
}

pub(crate) async fn user_exists(mut scene: Scene<'_>) {
    assert!(scene.ann().exists().await.unwrap());
    assert!(!scene.hub.user(user_id("nobody")).exists().await.unwrap());
    scene.only(&[]).await;
}

pub(crate) async fn connection(mut scene: Scene<'_>) {
    let ann = scene.connection();
    ann.close(Some("good night")).await.unwrap();
    is_closed(&mut scene.ann, "good night").await;
    ann.close(None).await.unwrap();
    assert!(!user_is_there(&scene, "ann").await);
    assert!(user_is_there(&scene, "bob").await);
    carol_remains(&mut scene).await;
}

pub(crate) async fn hub(mut scene: Scene<'_>) {
    let excluded = [Scene::id(&scene.carol)];
    scene.hub.close_connections(&excluded, Some("good & night")).await.unwrap();
    is_closed(&mut scene.ann, "good & night").await;
    is_closed(&mut scene.bob, "good & night").await;
    carol_remains(&mut scene).await;
}

pub(crate) async fn group(mut scene: Scene<'_>) {
    for client in [&scene.ann, &scene.carol] {
        scene.put(client, "g").await;
    }
    let excluded = [Scene::id(&scene.carol)];
    scene.group().close_connections(&excluded, Some("good night")).await.unwrap();
    is_closed(&mut scene.ann, "good night").await;
    assert!(user_is_there(&scene, "bob").await);
    carol_remains(&mut scene).await;
}

pub(crate) async fn user(mut scene: Scene<'_>) {
    let mut second = scene.connect(Some("ann")).await;
    let excluded = [Scene::id(&scene.ann)];
    scene.ann().close_connections(&excluded, Some("one is enough")).await.unwrap();
    is_closed(&mut second, "one is enough").await;
    scene.only(&[]).await;
    scene.ann().close_connections(&[], Some("good night")).await.unwrap();
    is_closed(&mut scene.ann, "good night").await;
    carol_remains(&mut scene).await;
}

/// Asks by a call that is not the SDK's.
async fn user_is_there(scene: &Scene<'_>, user: &str) -> bool {
    let path = format!("/api/v1/hubs/{}/users/{user}", scene.full_hub);
    scene.service.status(reqwest::Method::GET, &path).await.is_success()
}
