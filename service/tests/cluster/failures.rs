//! The broker or a node is away for a while, or for good.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{
    client::{Running, refusal},
    nodes::node,
    redis::Redis,
};

/// How long something may take that the bars of a quiet machine give a second.
const TEN_TIMES: Duration = Duration::from_secs(10);

async fn is_ready(node: &Running) -> bool {
    node.http(Method::GET, "/ready").send().await.unwrap().status() == StatusCode::OK
}

pub(crate) async fn until_ready(node: &Running, ready: bool) {
    let waiting = async {
        while is_ready(node).await != ready {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEN_TIMES, waiting).await.unwrap_or_else(|_| panic!("ready is not {ready}"));
}

async fn send(node: &Running, path: &str, number: usize) -> reqwest::Response {
    let body = json!({ "target": "m", "arguments": [number] });
    node.call(Method::POST, path).json(&body).send().await.unwrap()
}

const HUB: &str = "/api/v1/hubs/chat";

#[tokio::test]
async fn a_broker_that_comes_back_again_and_again_is_used_again() {
    let mut redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    let connection = format!("{HUB}/connections/{}", ann.id);
    for round in 0..20 {
        redis.kill();
        until_ready(&a, false).await;
        until_ready(&b, false).await;
        // What concerns another node is refused at once and whole; what does not goes on.
        let refused = send(&a, HUB, 0).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        assert_eq!(a.status(Method::GET, &connection).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(send(&b, &connection, round).await.status(), StatusCode::ACCEPTED);
        assert_eq!(ann.arguments().await, json!([round]));
        redis.restart().await;
        let back = Instant::now();
        until_ready(&a, true).await;
        until_ready(&b, true).await;
        assert_eq!(send(&a, HUB, round).await.status(), StatusCode::ACCEPTED);
        assert_eq!(ann.arguments().await, json!([round]));
        assert!(back.elapsed() < TEN_TIMES);
    }
}

/// Soon after the broker came back, nothing that is there is reported as gone.
#[tokio::test]
async fn no_answer_is_wrong_after_the_broker_came_back() {
    let mut redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let ann = b.connect(Some("ann")).await;
    let paths = [format!("{HUB}/connections/{}", ann.id), format!("{HUB}/users/ann")];
    for _ in 0..5 {
        redis.kill();
        redis.restart().await;
        let (back, mut found) = (Instant::now(), 0);
        while found < 2 * paths.len() {
            assert!(back.elapsed() < TEN_TIMES);
            for path in &paths {
                match a.status(Method::GET, path).await {
                    StatusCode::OK => found += 1,
                    other => assert_eq!(other, StatusCode::SERVICE_UNAVAILABLE, "{path}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn clients_cannot_connect_while_the_broker_is_away() {
    let mut redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let negotiation = a.negotiate("chat", None).await;
    redis.kill();
    until_ready(&b, false).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    let refused = refusal(&b.connect_url("chat", None, token)).await;
    assert_eq!(refused.0, 503, "{refused:?}");
}

/// The connection for subscriptions breaks alone. What happened to users' groups meanwhile is found.
#[tokio::test]
async fn a_subscriber_that_is_cut_off_subscribes_again() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    for number in 0..10 {
        assert_eq!(redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]), "2");
        let group = format!("{HUB}/groups/g{number}");
        let join = format!("{group}/users/ann");
        let begin = Instant::now();
        while !a.status(Method::PUT, &join).await.is_success() {
            assert!(begin.elapsed() < TEN_TIMES);
        }
        until_ready(&b, true).await;
        loop {
            assert!(begin.elapsed() < TEN_TIMES);
            if send(&a, &group, number).await.status() == StatusCode::ACCEPTED
                && let Ok(arguments) = timeout(Duration::from_millis(500), ann.arguments()).await
            {
                assert_eq!(arguments, json!([number]));
                break;
            }
        }
        // Those that were sent again are read away.
        a.broadcast(json!(["end"])).await;
        while ann.arguments().await != json!(["end"]) {}
    }
}

#[tokio::test]
async fn nothing_stays_of_a_node_that_died() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let ann = b.connect(Some("ann")).await;
    assert!(a.status(Method::PUT, &format!("{HUB}/groups/g/users/ann")).await.is_success());
    assert_eq!(a.status(Method::GET, &format!("{HUB}/users/ann")).await, StatusCode::OK);
    b.task.abort();
    assert!(b.task.await.unwrap_err().is_cancelled());
    let died = Instant::now();
    while a.status(Method::GET, &format!("{HUB}/users/ann")).await != StatusCode::NOT_FOUND {
        assert!(died.elapsed() < Duration::from_secs(1));
    }
    let of_ann = format!("{HUB}/connections/{}", ann.id);
    assert_eq!(a.status(Method::GET, &of_ann).await, StatusCode::NOT_FOUND);
    // What else there is ends by itself: claims of tokens, and what nodes say about themselves.
    for key in redis.ask(&["KEYS", "*"]).lines().filter(|key| !key.starts_with("rt1:ug:")) {
        let left: i64 = redis.ask(&["PTTL", key]).parse().unwrap();
        assert!((1..=15_000).contains(&left) || left == -2, "{key} ends after {left} ms");
    }
    assert_eq!(redis.ask(&["PUBSUB", "CHANNELS", "rt1:[cu]:*"]), "");
}
