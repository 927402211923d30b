//! What is there, in pages that the service makes, and what is done with it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    client::{Client, Running},
    operator::{Operator, refusal, start},
};

const API: &str = "?api-version=2024-12-01";

async fn join(service: &Running, client: &Client, group: &str) {
    let path = format!("/api/hubs/chat/groups/{group}/connections/{}{API}", client.id);
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
}

/// All items of a list, page by page, and how many pages there are.
async fn all(operator: &Operator, path: &str, query: &[(&str, &str)]) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let query = [query, &[("after", after.as_str())]].concat();
        let page = operator.get(path, &query).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return (items, pages),
        }
    }
}

fn texts(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn pages_hold_each_once_in_an_order() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let names: Vec<String> = (0..40).map(|number| format!("user{:02}", number / 2)).collect();
    let clients = join_all(names.iter().map(|name| service.connect(Some(name)))).await;
    let _elsewhere = service.connect_to("news", Some("user00")).await;
    for (index, client) in clients.iter().enumerate() {
        join(&service, client, &format!("g{}", index % 10)).await;
    }
    let (rows, pages) = all(&operator, "connections", &[("hub", "chat"), ("limit", "7")]).await;
    assert_eq!((rows.len(), pages), (40, 6));
    let ids: BTreeSet<_> = texts(&rows, "connection").into_iter().collect();
    assert_eq!(ids, clients.iter().map(|client| client.id.clone()).collect());
    for (path, expected) in [("users", 20), ("groups", 10)] {
        let (items, pages) = all(&operator, path, &[("hub", "chat"), ("limit", "3")]).await;
        assert_eq!(pages, usize::div_ceil(expected, 3), "{path}");
        let names = texts(&items, "name");
        assert!(names.len() == expected && names.is_sorted(), "{names:?}");
        let connections: u64 = items.iter().map(|item| item["connections"].as_u64().unwrap()).sum();
        assert_eq!(connections, 40, "{path}");
    }
    let (hubs, _) = all(&operator, "hubs", &[("limit", "1")]).await;
    let chat = json!({
        "name": "chat", "connections": 40, "users": 20, "groups": 10, "serverConnections": 0,
        "messages": 0.0,
    });
    let news = json!({
        "name": "news", "connections": 1, "users": 1, "groups": 0, "serverConnections": 0,
        "messages": 0.0,
    });
    assert_eq!(hubs, [chat, news]);
    for (query, expected) in [
        (("group", "g3"), 4),
        (("user", "user07"), 2),
        (("search", "USER1"), 20),
        (("search", "nobody"), 0),
        (("search", &*clients[0].id), 1),
    ] {
        let (rows, _) =
            all(&operator, "connections", &[("hub", "chat"), query, ("limit", "3")]).await;
        assert_eq!(rows.len(), expected, "{query:?}");
    }
    let (users, _) =
        all(&operator, "users", &[("hub", "chat"), ("search", "R1"), ("limit", "4")]).await;
    assert_eq!(users.len(), 10);
    let overview = operator.get("overview", &[]).await;
    let numbers = ["hubs", "connections", "users", "groups"].map(|name| overview[name].as_u64());
    assert_eq!(numbers, [Some(2), Some(41), Some(21), Some(10)]);
}

#[tokio::test]
async fn a_connection_is_shown_sent_to_and_closed() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let mut ann = service.connect(Some("ann")).await;
    join(&service, &ann, "g").await;
    let of = [("hub", "chat"), ("connection", ann.id.as_str())];
    let shown = operator.get("connection", &of).await;
    assert_eq!(shown["user"], "ann");
    assert_eq!(shown["groupNames"], json!(["g"]));
    assert_eq!((&shown["transport"], &shown["protocol"]), (&json!("websockets"), &json!("json")));
    assert_eq!(shown["heldBytes"], 0);
    assert_eq!(shown["mostHeldBytes"], 8 * 1024 * 1024);
    let claims = shown["claims"].as_array().unwrap();
    assert!(claims.contains(&json!({ "type": "asrs.s.uid", "value": "ann" })), "{claims:?}");
    for (number, to) in [
        json!("hub"),
        json!({ "group": "g" }),
        json!({ "user": "ann" }),
        json!({ "connection": ann.id }),
    ]
    .into_iter()
    .enumerate()
    {
        // A number that JavaScript would change stays as it is.
        let body = json!({ "hub": "chat", "to": to, "target": "m", "arguments": [number, 9_007_199_254_740_993_u64] });
        assert_eq!(operator.post("send", &body).await.status(), StatusCode::ACCEPTED);
        assert_eq!(ann.arguments().await, json!([number, 9_007_199_254_740_993_u64]));
    }
    let body = json!({ "hub": "chat", "connection": ann.id, "reason": "too loud" });
    assert_eq!(operator.post("close", &body).await.status(), StatusCode::NO_CONTENT);
    let message = ann.next().await;
    assert_eq!((&message["type"], &message["error"]), (&json!(7), &json!("too loud")));
    drop(ann);
    service.until(|counters| counters.connections() == 0).await;
    let (status, text) = refusal(operator.post("close", &body).await).await;
    assert_eq!((status, &*text), (404, "the connection is not open"));
    assert_eq!(
        operator.ask("connection", &[("hub", "chat"), ("connection", "c")]).await.status(),
        404
    );
}

#[tokio::test]
async fn names_come_as_they_are_whatever_they_are() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let names = [
        "<img src=x onerror=alert(1)>".to_owned(),
        "\u{202e}gro.live\u{200b}".to_owned(),
        "a/b?c#d&e=f%20;+".to_owned(),
        "line\nbreak\u{7}".to_owned(),
        "ü".repeat(500),
    ];
    for name in &names {
        let _client = service.connect(Some(name)).await;
        let (users, _) = all(&operator, "users", &[("hub", "chat"), ("search", name)]).await;
        assert_eq!(texts(&users, "name"), std::slice::from_ref(name));
        let (rows, _) = all(&operator, "connections", &[("hub", "chat"), ("user", name)]).await;
        assert_eq!(texts(&rows, "user"), std::slice::from_ref(name));
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let long = "x".repeat(5000);
    for (path, query, text) in [
        ("users", &[][..], "hub: name one"),
        ("users", &[("hub", "a b")], "hub: "),
        ("connections", &[("hub", "chat"), ("limit", "0")], "limit: '0'"),
        ("connections", &[("hub", "chat"), ("limit", "201")], "limit: '201'"),
        ("connections", &[("hub", "chat"), ("limit", "x")], "limit: 'x'"),
        ("connections", &[("hub", "chat"), ("after", "1-2")], "after: "),
        ("connections", &[("hub", "chat"), ("after", "0-99999999999999999999-0")], "after: "),
        ("connections", &[("hub", "chat"), ("group", "g"), ("user", "u")], "name one of them"),
        ("hubs", &[("search", &*long)], "search: "),
        ("hubs", &[("after", "a b")], "after: "),
        ("history", &[("after", "-1")], "after: '-1'"),
        ("trace", &[("kind", "everything")], "kind: 'everything' is none of connect, "),
        ("connection", &[("hub", "chat")], "connection: name one"),
    ] {
        let (status, came) = refusal(operator.ask(path, query).await).await;
        assert!(status == 400 && came.contains(text), "{path} {query:?}: {status} {came}");
    }
    // A shard that does not exist has nothing.
    let none = operator.get("connections", &[("hub", "chat"), ("after", "0-77-1")]).await;
    assert_eq!(none, json!({ "items": [], "next": null }));
    for (body, text) in [
        (json!({ "hub": "chat", "to": "hub", "target": "", "arguments": [] }), "target: "),
        (json!({ "hub": "chat", "to": "all", "target": "m", "arguments": [] }), "unknown variant"),
        (json!({ "hub": "a b", "to": "hub", "target": "m", "arguments": [] }), "the body: "),
        (
            json!({ "hub": "chat", "to": { "group": "" }, "target": "m", "arguments": [] }),
            "the body",
        ),
        (json!({ "hub": "chat", "to": "hub", "target": "m", "arguments": {} }), "the body: "),
        (json!({ "hub": "chat", "to": "hub", "target": "m" }), "arguments"),
        (json!(7), "the body: "),
    ] {
        let (status, came) = refusal(operator.post("send", &body).await).await;
        assert!(status == 400 && came.contains(text), "{body}: {status} {came}");
    }
}
