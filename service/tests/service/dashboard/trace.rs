//! The live trace.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use signalr_service::{Config, upstream::Settings};
use tokio::sync::watch;

use crate::{
    client::{Running, in_time, start_with},
    operator::{Operator, refusal, start, with_dashboard},
};

const API: &str = "?api-version=2024-12-01";

/// One who watches.
struct Viewer {
    response: Response,
    text: String,
}

impl Viewer {
    async fn of(operator: &Operator, query: &[(&str, &str)]) -> Self {
        let mut viewer = Self { response: operator.ask("trace", query).await, text: String::new() };
        assert_eq!(viewer.response.status(), StatusCode::OK);
        // The first word shows that it is on.
        assert!(viewer.next_block().await.unwrap().starts_with("event: leftOut"));
        viewer
    }

    async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = in_time(self.response.chunk()).await.ok()??;
            self.text += &String::from_utf8_lossy(&chunk);
        }
    }

    /// The next event; `None` if there are no more.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let block = self.next_block().await?;
            if let Some(json) = block.strip_prefix("data: ") {
                return Some(serde_json::from_str(json).unwrap());
            }
        }
    }

    async fn expect(&mut self, kind: &str, fields: Value) {
        let event = self.next().await.unwrap();
        assert_eq!(event["kind"], kind, "{event}");
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(event[name], *value, "{event}");
        }
    }
}

async fn connect_refused(service: &Running) {
    let request = service.http(Method::POST, "/client/negotiate?hub=chat").bearer_auth("x.y.z");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_happens_is_seen_as_it_happens() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let mut viewer = Viewer::of(&operator, &[]).await;
    let ann = service.connect(Some("ann")).await;
    let of_ann = json!({ "hub": "chat", "user": "ann", "connection": ann.id });
    viewer.expect("connect", of_ann.clone()).await;
    let path = format!("/api/hubs/chat/groups/g/connections/{}{API}", ann.id);
    assert_eq!(service.status(Method::PUT, &path).await, StatusCode::OK);
    viewer.expect("group", json!({ "group": "g", "what": "join", "user": "ann" })).await;
    service.send("/api/v1/hubs/chat/groups/g", json!([1])).await;
    viewer.expect("message", json!({ "hub": "chat", "group": "g", "what": "m", "bytes": 4 })).await;
    service.broadcast(json!([1])).await;
    viewer.expect("message", json!({ "hub": "chat", "group": null })).await;
    connect_refused(&service).await;
    let event = viewer.next().await.unwrap();
    assert_eq!((&event["kind"], &event["hub"]), (&json!("refused"), &json!("chat")));
    assert!(event["what"].as_str().unwrap().contains("token"), "{event}");
    let status = service.http(Method::POST, "/api/v1/hubs/chat").bearer_auth("x.y.z").send().await;
    assert_eq!(status.unwrap().status(), StatusCode::UNAUTHORIZED);
    viewer.expect("refused", json!({})).await;
    drop(ann);
    viewer.expect("disconnect", of_ann).await;
}

#[tokio::test]
async fn what_an_upstream_is_told_is_seen_with_what_came_of_it() {
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let template = json!({ "UrlTemplate": format!("http://{closed}/{{event}}") });
    let settings = json!({ "UpstreamSettings": { "Templates": [template] } });
    let (_settings, upstream) = watch::channel(Settings::parse(&settings.to_string()).unwrap());
    let config = with_dashboard(Config { upstream: Some(upstream), ..Config::default() });
    let service = start_with(config).await;
    let operator = Operator::of(&service).await;
    let mut viewer = Viewer::of(&operator, &[("kind", "call"), ("kind", "upstream")]).await;
    let mut ann = service.connect(Some("ann")).await;
    let failed = |event| json!({ "user": "ann", "what": event, "outcome": "unreachable" });
    viewer.expect("upstream", failed("connected")).await;
    ann.send(&json!({ "type": 1, "target": "say", "arguments": ["hi"] })).await;
    viewer.expect("call", json!({ "user": "ann", "what": "say" })).await;
    viewer.expect("upstream", failed("say")).await;
    // The claims that the upstream is told are shown as well.
    let of = [("hub", "chat"), ("connection", ann.id.as_str())];
    let shown = operator.get("connection", &of).await;
    assert!(shown["claims"].to_string().contains("asrs.s.uid"), "{shown}");
}

#[tokio::test]
async fn a_filter_leaves_out_what_is_not_wanted() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let mut of_bob = Viewer::of(&operator, &[("user", "bob"), ("kind", "connect")]).await;
    let mut of_news = Viewer::of(&operator, &[("hub", "news")]).await;
    let _ann = service.connect(Some("ann")).await;
    let _bob = service.connect(Some("bob")).await;
    of_bob.expect("connect", json!({ "user": "bob" })).await;
    service.broadcast(json!([1])).await;
    let _news = service.connect_to("news", None).await;
    of_news.expect("connect", json!({ "hub": "news", "user": null })).await;
    let _bob = service.connect_to("news", Some("bob")).await;
    of_bob.expect("connect", json!({ "hub": "news" })).await;
}

#[tokio::test]
async fn few_may_watch_and_who_leaves_makes_room() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let mut viewers = Vec::new();
    for _ in 0..8 {
        viewers.push(Viewer::of(&operator, &[]).await);
    }
    let (status, text) = refusal(operator.ask("trace", &[]).await).await;
    assert!(status == 503 && text.contains("8 viewers"), "{status} {text}");
    viewers.pop();
    in_time(async { while operator.ask("trace", &[]).await.status() != StatusCode::OK {} }).await;
}

#[tokio::test]
async fn the_end_of_the_service_ends_the_trace() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let mut viewer = Viewer::of(&operator, &[]).await;
    service.stop().await;
    assert_eq!(viewer.next().await, None);
}
