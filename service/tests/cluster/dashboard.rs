//! The dashboard of one node shows all of them.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_service::Config;

use crate::{
    client::{PATIENCE, Running},
    nodes::node_with,
    operator::{Operator, with_dashboard},
    redis::Redis,
};

const HUB: &str = "/api/v1/hubs/chat";

async fn node(redis: &Redis) -> Running {
    node_with(redis, with_dashboard(Config::default())).await
}

async fn items(operator: &Operator, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let page = operator.get(path, &[query, &[("after", &*after)]].concat()).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return items,
        }
    }
}

#[tokio::test]
async fn lists_and_counts_are_of_all_nodes() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut clients = Vec::new();
    for number in 0..12 {
        let node = if number % 3 == 0 { &a } else { &b };
        clients.push(node.connect(Some(&format!("user{}", number / 2))).await);
        let path = format!("{HUB}/groups/g{}/connections/{}", number % 2, clients[number].id);
        assert!(a.status(Method::PUT, &path).await.is_success());
    }
    let ids: BTreeSet<String> = clients.iter().map(|client| client.id.clone()).collect();
    for asked in [&a, &b] {
        let operator = Operator::of(asked).await;
        let rows = items(&operator, "connections", &[("hub", "chat"), ("limit", "5")]).await;
        assert_eq!(rows.len(), 12);
        let found = rows.iter().map(|row| row["connection"].as_str().unwrap().to_owned());
        assert_eq!(found.collect::<BTreeSet<_>>(), ids);
        let users = items(&operator, "users", &[("hub", "chat"), ("limit", "4")]).await;
        let two = |number| json!({ "name": format!("user{number}"), "connections": 2 });
        assert_eq!(users, (0..6).map(two).collect::<Vec<_>>());
        let groups = items(&operator, "groups", &[("hub", "chat"), ("search", "1")]).await;
        assert_eq!(groups, [json!({ "name": "g1", "connections": 6 })]);
        let chat = json!({
            "name": "chat", "connections": 12, "users": 6, "groups": 2, "serverConnections": 0,
            "messages": 0.0,
        });
        assert_eq!(items(&operator, "hubs", &[]).await, [chat]);
        for client in &clients {
            let of = [("hub", "chat"), ("connection", client.id.as_str())];
            let shown = operator.get("connection", &of).await;
            assert!(shown["user"].as_str().unwrap().starts_with("user"), "{shown}");
            assert_eq!(shown["groups"], 1, "{shown}");
        }
        let overview = operator.get("overview", &[]).await;
        assert_eq!(overview["connections"], 12);
        assert_eq!(overview["nodes"].as_array().unwrap().len(), 2, "{overview}");
        let nodes = overview["nodes"].as_array().unwrap().iter();
        assert!(nodes.into_iter().any(|node| node["name"] == overview["node"]), "{overview}");
    }
}

#[tokio::test]
async fn a_connection_of_another_node_is_sent_to_and_closed() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let operator = Operator::of(&a).await;
    let mut ann = b.connect(Some("ann")).await;
    let to = json!({ "connection": ann.id });
    let body = json!({ "hub": "chat", "to": to, "target": "m", "arguments": [1] });
    assert_eq!(operator.post("send", &body).await.status(), StatusCode::ACCEPTED);
    assert_eq!(ann.arguments().await, json!([1]));
    let body = json!({ "hub": "chat", "connection": ann.id });
    assert_eq!(operator.post("close", &body).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(ann.next().await["type"], 7);
}

#[tokio::test]
async fn while_the_broker_is_away_a_node_shows_itself() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let operator = Operator::of(&a).await;
    let _clients = [a.connect(Some("ann")).await, b.connect(Some("bob")).await];
    assert_eq!(operator.get("overview", &[]).await["connections"], 2);
    drop(redis);
    let alone = async {
        loop {
            let overview = operator.get("overview", &[]).await;
            if overview["nodesUnknown"] == true && overview["connections"] == 1 {
                return overview;
            }
        }
    };
    let overview = tokio::time::timeout(PATIENCE, alone).await.unwrap();
    assert_eq!(overview["notReadyBecause"], "broker");
    let response = operator.ask("users", &[("hub", "chat")]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}
