//! Sends: who receives them, and who does not.

use signalr_serverless::{ConnectionId, rest::ApiVersion};

use crate::{
    client::{start, start_with},
    scene::{Scene, connection_string, group, message, user},
};

pub(crate) async fn broadcast(mut scene: Scene<'_>, version: ApiVersion) {
    scene.hub.broadcast(&message()).await.unwrap();
    scene.only(&["ann", "bob", "carol"]).await;
    let excluded = [Scene::id(&scene.ann), Scene::id(&scene.carol)];
    let result = scene.hub.broadcast_except(&message(), &excluded).await;
    if version == ApiVersion::V1Preview {
        assert!(result.is_err(), "v1-preview would send to those who are excluded");
        scene.only(&[]).await;
    } else {
        result.unwrap();
        scene.only(&["bob"]).await;
    }
}

pub(crate) async fn to_user(mut scene: Scene<'_>) {
    scene.ann().send(&message()).await.unwrap();
    scene.only(&["ann"]).await;
    scene.hub.user(user("nobody")).send(&message()).await.unwrap();
    scene.only(&[]).await;
}

pub(crate) async fn to_users(mut scene: Scene<'_>) {
    let users = [user("ann"), user("nobody / else"), user("carol")];
    scene.hub.send_to_users(&users, &message()).await.unwrap();
    scene.only(&["ann", "carol"]).await;
}

pub(crate) async fn to_group(mut scene: Scene<'_>, version: ApiVersion) {
    scene.put(&scene.ann, "g").await;
    scene.put(&scene.bob, "g").await;
    scene.group().send(&message()).await.unwrap();
    scene.only(&["ann", "bob"]).await;
    scene.hub.group(group("empty")).send(&message()).await.unwrap();
    scene.only(&[]).await;
    if version != ApiVersion::V1Preview {
        let excluded = [Scene::id(&scene.ann)];
        scene.group().send_except(&message(), &excluded).await.unwrap();
        scene.only(&["bob"]).await;
    }
}

pub(crate) async fn to_groups(mut scene: Scene<'_>) {
    scene.put(&scene.ann, "g1").await;
    scene.put(&scene.bob, "g2").await;
    let groups = [group("g1"), group("g2"), group("empty")];
    scene.hub.send_to_groups(&groups, &message()).await.unwrap();
    scene.only(&["ann", "bob"]).await;
}

pub(crate) async fn to_connection(mut scene: Scene<'_>) {
    scene.connection().send(&message()).await.unwrap();
    scene.only(&["ann"]).await;
    let nobody = ConnectionId::parse("nobody").unwrap();
    scene.hub.connection(nobody).send(&message()).await.unwrap();
    scene.only(&[]).await;
}

#[tokio::test]
async fn a_fan_out_reaches_each() {
    let service = start().await;
    let mut scene = Scene::new((&service).into(), ApiVersion::default(), None).await;
    let users = || [user("ann"), user("nobody"), user("carol")];

    let sent = scene.hub.users(users()).send(&message()).await;
    assert!(sent.len() == 3 && sent.iter().all(Result::is_ok));
    scene.only(&["ann", "carol"]).await;

    let exist = scene.hub.users(users()).call(|user| async move { user.exists().await }).await;
    let exist: Vec<_> = exist.into_iter().map(Result::unwrap).collect();
    assert_eq!(exist, [true, false, true]);

    let ids = [Scene::id(&scene.ann), Scene::id(&scene.bob)];
    for added in scene.hub.connections(ids).add_to_group(&group("g")).await {
        added.unwrap();
    }
    scene.is_group_of("g", &["ann", "bob"]).await;
}

#[tokio::test]
async fn v1_preview_is_served_on_its_own_port_too() {
    use signalr_serverless::rest::RestClient;
    use signalr_service::{Config, Listen};

    let preview_listen = Some(Listen::Address(([127, 0, 0, 1], 0).into()));
    let service = start_with(Config { preview_listen, ..Config::default() }).await;
    let mut scene = Scene::new((&service).into(), ApiVersion::V1Preview, None).await;
    let preview_port = connection_string(service.preview_host.as_ref().unwrap());
    let rest = RestClient::new(&preview_port).unwrap().with_version(ApiVersion::V1Preview);
    let hub = rest.hub(scene.hub.name().clone());
    hub.send_to_users(&[user("ann"), user("bob")], &message()).await.unwrap();
    scene.only(&["ann", "bob"]).await;
}
