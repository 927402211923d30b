//! Users in groups, which the broker keeps.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{client::PATIENCE, nodes::node, redis::Redis};

const HUB: &str = "/api/v1/hubs/chat";

#[tokio::test]
async fn a_membership_outlives_every_node() {
    let redis = Redis::start().await;
    let a = node(&redis).await;
    assert!(a.status(Method::PUT, &format!("{HUB}/groups/g/users/ann")).await.is_success());
    a.stop().await;
    let b = node(&redis).await;
    let mut ann = b.connect(Some("ann")).await;
    b.send(&format!("{HUB}/groups/g"), json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
}

#[tokio::test]
async fn a_membership_ends_with_its_time_on_every_node() {
    let redis = Redis::start().await;
    let (a, b, c) = (node(&redis).await, node(&redis).await, node(&redis).await);
    let mut clients = [b.connect(Some("ann")).await, c.connect(Some("ann")).await];
    let path = format!("{HUB}/groups/g/users/ann");
    assert!(a.status(Method::PUT, &format!("{path}?ttl=1")).await.is_success());
    let begin = Instant::now();
    a.send(&format!("{HUB}/groups/g"), json!([1])).await;
    for client in &mut clients {
        assert_eq!(client.arguments().await, json!([1]));
    }
    let over = async {
        while a.status(Method::GET, &format!("{HUB}/groups/g")).await != StatusCode::NOT_FOUND {}
    };
    timeout(PATIENCE, over).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(a.status(Method::GET, &path).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_hundred_and_first_group_takes_the_place_of_the_oldest() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    for number in 0..=100 {
        let path = format!("{HUB}/groups/g{number}/users/ann");
        assert!(a.status(Method::PUT, &path).await.is_success());
    }
    for number in [0, 1, 100] {
        a.send(&format!("{HUB}/groups/g{number}"), json!([number])).await;
    }
    assert_eq!(ann.arguments().await, json!([1]));
    assert_eq!(ann.arguments().await, json!([100]));
}

/// A group that makes room for another one is added again at the same moment.
#[tokio::test]
async fn connections_follow_the_store_in_the_order_of_its_changes() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    let path = |number: usize| format!("{HUB}/groups/g{number}/users/ann");
    for number in 0..100 {
        assert!(a.status(Method::PUT, &path(number)).await.is_success());
    }
    // Each round removes the oldest group and the one after it.
    for number in (0..100).step_by(2) {
        let (oldest, newest) = (path(number), path(100 + number));
        let added = tokio::join!(a.status(Method::PUT, &newest), b.status(Method::PUT, &oldest));
        assert!(added.0.is_success() && added.1.is_success());
        a.send(&format!("{HUB}/groups/g{number}"), json!([number])).await;
        a.broadcast(json!(["end"])).await;
        assert_eq!(ann.arguments().await, json!([number]));
        assert_eq!(ann.arguments().await, json!(["end"]));
        // The next round begins with the oldest group again.
        assert!(a.status(Method::DELETE, &oldest).await.is_success());
        assert!(a.status(Method::PUT, &path(1000 + number)).await.is_success());
    }
}

/// A page of a group's connections goes on where the last one ended, over all nodes.
#[tokio::test]
async fn pages_go_over_all_nodes() {
    let redis = Redis::start().await;
    let nodes = [node(&redis).await, node(&redis).await, node(&redis).await];
    let mut clients = Vec::new();
    for number in 0..30 {
        let client = nodes[number % 3].connect(None).await;
        let path = format!("{HUB}/groups/g/connections/{}", client.id);
        assert!(nodes[(number + 1) % 3].status(Method::PUT, &path).await.is_success());
        clients.push(client);
    }
    let mut path =
        "/api/hubs/chat/groups/g/connections?api-version=2024-12-01&maxpagesize=7".to_owned();
    let mut listed = Vec::new();
    for page in 0.. {
        let node = &nodes[page % 3];
        let answer: serde_json::Value =
            node.call(Method::GET, &path).send().await.unwrap().json().await.unwrap();
        let members = answer["value"].as_array().unwrap().iter();
        listed.extend(members.map(|one| one["connectionId"].as_str().unwrap().to_owned()));
        let Some(next) = answer["nextLink"].as_str() else { break };
        path = next[next.find("/api/").unwrap()..].to_owned();
    }
    let mut expected: Vec<String> = clients.iter().map(|client| client.id.clone()).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}
