//! Each call, and what clients and REST see of it.

use std::time::Duration;

use signalr_persistent::Error;
use signalr_serverless::{ConnectionId, UserId, rest::Message};

use crate::scene::{Scene, group, message};

#[tokio::test]
async fn sends_reach_those_whom_they_name() {
    let scene = Scene::start().await;
    let (mut ann, mut bob) = (scene.client("ann").await, scene.client("bob").await);
    let hub = scene.hub().await;
    assert!(hub.group(group("g")).add_connection(&ann.id()).await.unwrap());
    hub.broadcast(&message("all")).await.unwrap();
    hub.broadcast_except(&[ann.id()], &message("not ann")).await.unwrap();
    hub.user(UserId::parse("ann").unwrap()).send(&message("user")).await.unwrap();
    let users = ["ann", "bob"].map(|user| UserId::parse(user).unwrap());
    hub.send_to_users(&users, &message("users")).await.unwrap();
    hub.group(group("g")).send(&message("group")).await.unwrap();
    hub.group(group("g")).send_except(&[ann.id()], &message("nobody")).await.unwrap();
    hub.send_to_groups(&[group("g"), group("h")], &message("groups")).await.unwrap();
    hub.connection(bob.id()).send(&message("connection")).await.unwrap();
    hub.broadcast(&message("end")).await.unwrap();
    for expected in ["all", "user", "users", "group", "groups", "end"] {
        assert_eq!(ann.next().await, expected);
    }
    for expected in ["all", "not ann", "users", "connection", "end"] {
        assert_eq!(bob.next().await, expected);
    }
}

#[tokio::test]
async fn questions_and_changes_are_answered() {
    let scene = Scene::start().await;
    let ann = scene.client("ann").await;
    let hub = scene.hub().await;
    let (g, nobody) = (hub.group(group("g")), ConnectionId::parse("nobody").unwrap());
    assert!(!g.exists().await.unwrap());
    assert!(!g.add_connection(&nobody).await.unwrap());
    assert!(hub.connection(ann.id()).add_to_group(&group("g")).await.unwrap());
    assert!(g.exists().await.unwrap() && scene.rest().group(group("g")).exists().await.unwrap());
    let members = g.members().await.unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].user_id.as_deref(), Some("ann"));
    g.remove_connection(&ann.id()).await.unwrap();
    assert!(!g.exists().await.unwrap());
    let user = hub.user(UserId::parse("ann").unwrap());
    assert!(user.exists().await.unwrap());
    user.add_to_group(&group("g"), Some(Duration::from_secs(60))).await.unwrap();
    assert!(user.is_in_group(&group("g")).await.unwrap());
    user.remove_from_group(&group("g")).await.unwrap();
    assert!(!user.is_in_group(&group("g")).await.unwrap());
    user.add_to_group(&group("g"), None).await.unwrap();
    user.remove_from_all_groups().await.unwrap();
    assert!(!g.exists().await.unwrap());
    hub.connection(ann.id()).remove_from_all_groups().await.unwrap();
    assert!(hub.connection(ann.id()).exists().await.unwrap());
    hub.connection(ann.id()).close(Some("why")).await.unwrap();
    hub.connection(nobody).close(None).await.unwrap();
    assert!(!hub.connection(ann.id()).exists().await.unwrap());
}

#[tokio::test]
async fn a_client_is_asked_and_answers() {
    let scene = Scene::start().await;
    let mut ann = scene.client("ann").await;
    let hub = scene.hub().await;
    let connection = hub.connection(ann.id());
    let answering = async {
        let signalr_client::Event::Invocation(invocation) = ann.events.next().await.unwrap() else {
            panic!()
        };
        invocation.answer(&42).unwrap();
    };
    let question = Message::new("question", &()).unwrap();
    let (answer, ()) = tokio::join!(connection.invoke::<u32>(&question), answering);
    assert_eq!(answer.unwrap(), 42);
    let nobody = hub.connection(ConnectionId::parse("nobody").unwrap());
    match nobody.invoke::<()>(&question).await {
        Err(Error::Invocation(text)) => assert!(text.contains("does not exist"), "{text}"),
        other => panic!("{other:?}"),
    }
}
