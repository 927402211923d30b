//! What one caller does in a row is done in a row, through whichever nodes.

use reqwest::Method;
use serde_json::json;

use crate::{nodes::node, redis::Redis};

#[tokio::test]
async fn messages_of_a_caller_arrive_in_their_order() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    let connection = format!("/api/v1/hubs/chat/connections/{}", ann.id);
    for number in 0..500 {
        let path = ["/api/v1/hubs/chat", "/api/v1/hubs/chat/users/ann", &connection][number % 3];
        a.send(path, json!([number])).await;
    }
    for number in 0..500 {
        assert_eq!(ann.arguments().await, json!([number]));
    }
}

#[tokio::test]
async fn what_is_sent_to_a_group_after_a_join_arrives_whoever_sends_it() {
    let redis = Redis::start().await;
    let (a, b, c) = (node(&redis).await, node(&redis).await, node(&redis).await);
    let mut ann = c.connect(Some("ann")).await;
    for number in 0..300 {
        let group = format!("/api/v1/hubs/chat/groups/g{number}");
        let join = match number % 2 {
            0 => format!("{group}/connections/{}", ann.id),
            _ => format!("{group}/users/ann"),
        };
        assert!(a.status(Method::PUT, &join).await.is_success());
        b.send(&group, json!([number])).await;
        assert_eq!(ann.arguments().await, json!([number]));
        assert!(b.status(Method::DELETE, &join).await.is_success());
        a.send(&group, json!(["nobody is in it"])).await;
    }
    a.broadcast(json!(["end"])).await;
    assert_eq!(ann.arguments().await, json!(["end"]));
}

/// A user who is added while a connection opens is in the group once both are answered.
#[tokio::test]
async fn no_connection_that_opens_misses_a_group_of_its_user() {
    let redis = Redis::start().await;
    let (a, b, c) = (node(&redis).await, node(&redis).await, node(&redis).await);
    for number in 0..200 {
        let user = format!("user{number}");
        let path = format!("/api/v1/hubs/chat/groups/g{number}/users/{user}");
        let (mut client, added) =
            tokio::join!(c.connect(Some(&user)), a.status(Method::PUT, &path));
        assert!(added.is_success());
        b.send(&format!("/api/v1/hubs/chat/groups/g{number}"), json!([number])).await;
        assert_eq!(client.arguments().await, json!([number]));
    }
}
