//! Groups of connections and of users, and commands.

use std::{num::NonZeroU64, time::Duration};

use futures_util::TryStreamExt;
use signalr_serverless::{
    ConnectionId,
    rest::{Command, Filter, PageSize},
};

use crate::{
    client::Client,
    scene::{Scene, group, is_closed, message, user},
};

pub(crate) async fn exists(scene: Scene<'_>) {
    assert!(!scene.group().exists().await.unwrap());
    scene.put(&scene.bob, "g").await;
    assert!(scene.group().exists().await.unwrap());
}

pub(crate) async fn add_connection(mut scene: Scene<'_>) {
    assert!(scene.group().add_connection(&Scene::id(&scene.ann)).await.unwrap());
    let bob = scene.hub.connection(Scene::id(&scene.bob));
    assert!(bob.add_to_group(&group("g")).await.unwrap());
    scene.is_group_of("g", &["ann", "bob"]).await;
    let nobody = ConnectionId::parse("nobody").unwrap();
    assert!(!scene.group().add_connection(&nobody).await.unwrap());
    scene.is_group_of("g", &["ann", "bob"]).await;
}

pub(crate) async fn remove_connection(mut scene: Scene<'_>) {
    for client in [&scene.ann, &scene.bob, &scene.carol] {
        scene.put(client, "g").await;
    }
    scene.group().remove_connection(&Scene::id(&scene.ann)).await.unwrap();
    scene.hub.connection(Scene::id(&scene.bob)).remove_from_group(&group("g")).await.unwrap();
    scene.is_group_of("g", &["carol"]).await;
}

pub(crate) async fn remove_connection_from_all(mut scene: Scene<'_>) {
    for name in ["g1", "g2"] {
        scene.put(&scene.ann, name).await;
        scene.put(&scene.bob, name).await;
    }
    scene.connection().remove_from_all_groups().await.unwrap();
    scene.is_group_of("g1", &["bob"]).await;
    scene.is_group_of("g2", &["bob"]).await;
}

pub(crate) async fn list(scene: Scene<'_>) {
    let group = scene.group();
    let empty = group.list(PageSize::default(), None).await.unwrap();
    assert_eq!((empty.connections.len(), empty.next), (0, None));

    let anonymous = scene.connect(None).await;
    let clients: [(&Client, _); 3] =
        [(&scene.ann, Some(user("ann"))), (&scene.bob, Some(user("bob"))), (&anonymous, None)];
    for (client, _) in &clients {
        scene.put(client, "g").await;
    }
    let mut expected = clients.map(|(client, user)| (Scene::id(client), user));
    expected.sort();

    let one = PageSize::parse(1).unwrap();
    let first = group.list(one, None).await.unwrap();
    let second = group.list(one, first.next.as_ref()).await.unwrap();
    let third = group.list(one, second.next.as_ref()).await.unwrap();
    assert_eq!(third.next, None);
    let mut listed: Vec<_> = [first, second, third]
        .into_iter()
        .flat_map(|page| page.connections)
        .map(|member| (member.connection_id, member.user_id))
        .collect();
    listed.sort();
    assert_eq!(listed, expected);

    for (top, count) in [(None, 3), (NonZeroU64::new(2), 2), (NonZeroU64::new(9), 3)] {
        let members: Vec<_> = group.members(top).try_collect().await.unwrap();
        assert_eq!(members.len(), count);
    }
}

pub(crate) async fn user_is_in(scene: Scene<'_>) {
    assert!(!scene.ann().is_in_group(&group("g")).await.unwrap());
    let path = format!("/api/v1/hubs/{}/users/ann/groups/g", scene.full_hub);
    assert!(scene.service.status(reqwest::Method::PUT, &path).await.is_success());
    assert!(scene.ann().is_in_group(&group("g")).await.unwrap());
    assert!(!scene.ann().is_in_group(&group("h")).await.unwrap());
}

pub(crate) async fn add_user(mut scene: Scene<'_>) {
    let (lasting, passing) = (group("lasting"), group("passing"));
    let hour = Duration::from_secs(3600);
    scene.ann().add_to_group(&group("g"), None).await.unwrap();
    scene.ann().add_to_group(&lasting, Some(hour)).await.unwrap();
    scene.ann().add_to_group(&passing, Some(Duration::ZERO)).await.unwrap();
    for name in ["g", "lasting", "passing"] {
        scene.is_group_of(name, &["ann"]).await;
    }
    // A connection of the user that comes later is in the groups that last.
    let other = scene.connect(Some("ann")).await;
    let first = std::mem::replace(&mut scene.ann, other);
    scene.is_group_of("g", &["ann"]).await;
    scene.is_group_of("lasting", &["ann"]).await;
    scene.is_group_of("passing", &[]).await;
    drop(first);
}

pub(crate) async fn remove_user(mut scene: Scene<'_>) {
    for name in ["g", "h"] {
        put_ann(&scene, name).await;
    }
    scene.ann().remove_from_group(&group("g")).await.unwrap();
    scene.is_group_of("g", &[]).await;
    scene.is_group_of("h", &["ann"]).await;
}

pub(crate) async fn remove_user_from_all(mut scene: Scene<'_>) {
    for name in ["g", "h"] {
        put_ann(&scene, name).await;
    }
    scene.put(&scene.bob, "g").await;
    scene.ann().remove_from_all_groups().await.unwrap();
    scene.is_group_of("g", &["bob"]).await;
    scene.is_group_of("h", &[]).await;
}

/// Adds Ann as a user, by a call that is not the SDK's.
async fn put_ann(scene: &Scene<'_>, group: &str) {
    let path = format!("/api/v1/hubs/{}/users/ann/groups/{group}", scene.full_hub);
    assert!(scene.service.status(reqwest::Method::PUT, &path).await.is_success());
}

pub(crate) async fn execute(mut scene: Scene<'_>) {
    scene.put(&scene.ann, "g").await;
    scene.put(&scene.bob, "g").await;
    let in_group_but_bob = Filter::groups().contains("g").and(!Filter::user_id().starts_with("b"));
    let commands = [
        Command::LeaveGroup { group: group("g") },
        Command::SendMessage { message: message() },
        Command::JoinGroup { group: group("new") },
    ];
    scene.hub.execute(Some(&in_group_but_bob), &commands).await.unwrap();
    scene.only(&["ann"]).await;
    scene.is_group_of("g", &["bob"]).await;
    scene.is_group_of("new", &["ann"]).await;

    let send = [Command::SendMessage { message: message() }];
    scene.hub.execute(None, &send).await.unwrap();
    scene.only(&["ann", "bob", "carol"]).await;

    let close = [Command::CloseConnection { reason: Some("good night".to_owned()) }];
    scene.hub.execute(Some(&Filter::user_id().eq("ann")), &close).await.unwrap();
    is_closed(&mut scene.ann, "good night").await;
    scene.hub.execute(None, &send).await.unwrap();
    assert_eq!(scene.bob.next().await["target"], "m");
}
