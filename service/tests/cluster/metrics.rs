//! What a node says about its broker.

use std::collections::HashMap;

use reqwest::{Method, StatusCode};
use serde_json::json;
use signalr_service::{Config, Listen};

use crate::{
    client::{Running, in_time},
    nodes::node_with,
    operator,
    redis::Redis,
};

async fn metrics(node: &Running) -> HashMap<String, f64> {
    let url = format!("http://{}/metrics", node.admin_host.as_ref().unwrap());
    let text = operator::http().get(url).send().await.unwrap().text().await.unwrap();
    let samples = text.lines().filter(|line| line.starts_with("signalr_broker"));
    let pairs = samples.filter_map(|line| line.rsplit_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[tokio::test]
async fn the_broker_is_in_the_metrics_of_its_nodes() {
    let mut redis = Redis::start().await;
    let config =
        || Config { admin_listen: Some(Listen::Loopback { port: 0 }), ..Config::default() };
    let (a, b) = (node_with(&redis, config()).await, node_with(&redis, config()).await);
    let mut ann = b.connect(Some("ann")).await;
    let (sent, received) = (metrics(&a).await, metrics(&b).await);
    for number in 0..10 {
        a.broadcast(json!([number])).await;
        assert_eq!(ann.arguments().await, json!([number]));
    }
    let path = "/api/v1/hubs/chat/users/ann";
    assert_eq!(a.status(Method::GET, path).await, StatusCode::OK);
    let rose = |before: &HashMap<_, _>, after: &HashMap<String, f64>, name: &str| {
        after[name] - before[name]
    };
    let (after_a, after_b) = (metrics(&a).await, metrics(&b).await);
    assert!(rose(&sent, &after_a, "signalr_broker_commands_total") >= 11.0, "{after_a:?}");
    assert!(rose(&sent, &after_a, "signalr_broker_questions_total") >= 1.0, "{after_a:?}");
    assert!(rose(&received, &after_b, "signalr_broker_frames_total") >= 11.0, "{after_b:?}");
    let bytes = "signalr_broker_bytes_total{direction=\"received\"}";
    assert!(rose(&received, &after_b, bytes) >= 11.0 * 28.0, "{after_b:?}");
    assert_eq!(after_b["signalr_broker_waiting{direction=\"received\"}"], 0.0);
    assert!(after_a["signalr_broker_lag_seconds"] > 0.0);

    redis.kill();
    in_time(async { while metrics(&a).await["signalr_broker_up"] > 0.0 {} }).await;
    redis.restart().await;
    in_time(async { while metrics(&a).await["signalr_broker_up"] < 1.0 {} }).await;
    // The two connections may notice it one after the other.
    assert!(metrics(&a).await["signalr_broker_reconnects_total"] >= 1.0);
}
