//! Connections that move from node to node.

use axum::response::IntoResponse;
use reqwest::Method;
use serde_json::json;
use signalr_service::{Config, upstream::Settings};
use tokio::sync::watch;

use crate::{
    client::{Running, in_time},
    failures::until_ready,
    nodes::{node, node_with},
    redis::Redis,
    stand_in::StandIn,
    stateful::Stateful,
};

const HUB: &str = "/api/v1/hubs/chat";

async fn node_of_upstream(redis: &Redis, upstream: &StandIn) -> Running {
    let url = format!("{}/{{category}}/{{event}}", upstream.url);
    let (_, settings) = watch::channel(Settings::all_to(&url).unwrap());
    node_with(redis, Config { upstream: Some(settings), ..Config::default() }).await
}

/// The answer comes to the node that the client has left, while the broker is away.
#[tokio::test]
async fn an_answer_of_the_upstream_waits_for_the_broker() {
    let (mut redis, mut upstream) = (Redis::start().await, StandIn::start().await);
    let (a, b) =
        (node_of_upstream(&redis, &upstream).await, node_of_upstream(&redis, &upstream).await);
    let mut ann = Stateful::connect(&a, Some("ann")).await;
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("connected"));
    let held = upstream.will_wait();
    ann.call("7").await;
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("m"));
    ann.resume(&b).await;
    b.broadcast(json!(["here"])).await;
    assert_eq!(ann.arguments().await, json!(["here"]));
    redis.kill();
    until_ready(&a, false).await;
    held.send("42".into_response()).unwrap();
    redis.restart().await;
    assert_eq!(ann.next().await, json!({ "type": 3, "invocationId": "7", "result": 42 }));
}

#[tokio::test]
async fn a_group_that_is_joined_or_left_during_a_move_is_so_after_it() {
    let redis = Redis::start().await;
    let nodes = [node(&redis).await, node(&redis).await, node(&redis).await];
    let mut ann = Stateful::connect(&nodes[0], Some("ann")).await;
    let change = async |round: usize, method: Method, path: &str| {
        let status = nodes[round % 3].status(method, path).await;
        assert!(status.is_success(), "{path}: {status}");
    };
    for round in 0..100 {
        let of = match round % 2 {
            0 => format!("connections/{}", ann.id),
            _ => "users/ann".to_owned(),
        };
        let group = format!("{HUB}/groups/g{round}");
        let path = format!("{group}/{of}");
        let to = &nodes[(round + 1) % 2];
        tokio::join!(ann.resume(to), change(round, Method::PUT, &path));
        nodes[(round + 1) % 3].send(&group, json!([round])).await;
        assert_eq!(ann.arguments().await, json!([round]));
        let to = &nodes[round % 2];
        tokio::join!(ann.resume(to), change(round, Method::DELETE, &path));
        nodes[(round + 1) % 3].send(&group, json!(["nobody is in it"])).await;
        nodes[(round + 1) % 3].broadcast(json!(["end"])).await;
        assert_eq!(ann.arguments().await, json!(["end"]), "{round}");
    }
}

/// The node that the client reaches has had no connection of the user before.
#[tokio::test]
async fn a_membership_with_a_time_limit_ends_after_a_move_too() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = Stateful::connect(&a, Some("ann")).await;
    let group = format!("{HUB}/groups/g");
    let path = format!("{group}/users/ann?ttl=2");
    assert!(a.status(Method::PUT, &path).await.is_success());
    ann.resume(&b).await;
    a.send(&group, json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
    in_time(async { while a.status(Method::GET, &group).await.is_success() {} }).await;
    a.send(&group, json!(["nobody is in it"])).await;
    a.broadcast(json!(["end"])).await;
    assert_eq!(ann.arguments().await, json!(["end"]));
}
