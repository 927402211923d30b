//! An upstream that hangs holds up no other.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use signalr_service::{Config, upstream::Settings};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    client::{Client, Running, start_with},
    stand_in::StandIn,
};

const WAITING: usize = 600;

fn call(id: usize) -> Value {
    json!({ "type": 1, "invocationId": id.to_string(), "target": "send", "arguments": [] })
}

/// The longest of twenty calls, one after the other.
async fn longest(client: &mut Client) -> Duration {
    let mut longest = Duration::ZERO;
    for id in 0..20 {
        let start = Instant::now();
        client.send(&call(id)).await;
        assert_eq!(client.next().await["type"], 3);
        longest = longest.max(start.elapsed());
    }
    longest
}

/// Settings by which calls in the hub `hanging` go to one upstream, and in `healthy` to the other.
fn settings(hanging: &str, healthy: &str) -> watch::Receiver<Settings> {
    let template = |hub: &str, url: &str| json!({ "UrlTemplate": url, "HubPattern": hub, "CategoryPattern": "messages" });
    let templates = [template("hanging", hanging), template("healthy", healthy)];
    let settings = json!({ "UpstreamSettings": { "Templates": templates } }).to_string();
    watch::channel(Settings::parse(&settings).unwrap()).1
}

#[tokio::test]
async fn six_hundred_calls_that_wait_for_one_upstream_delay_none_of_another() {
    let (mut hanging, healthy) = (StandIn::start().await, StandIn::start().await);
    let _unanswered: Vec<_> = (0..WAITING).map(|_| hanging.will_wait()).collect();
    let upstream = Some(settings(&hanging.url, &healthy.url));
    let config = Config { upstream, ..Config::default() };
    let places = config.max_upstream_requests;
    let service = start_with(config).await;
    let mut client = service.connect_to("healthy", None).await;
    let before = longest(&mut client).await;

    let waiting = join_all((0..WAITING).map(async |id| {
        let mut client = service.connect_to("hanging", None).await;
        client.send(&call(id)).await;
        client
    }));
    let waiting = waiting.await;
    for _ in 0..places {
        hanging.next().await;
    }
    let during = longest(&mut client).await;
    println!(
        "the longest of 20 calls: {before:?} alone, {during:?} while {WAITING} wait elsewhere"
    );
    assert!(during < 10 * before.max(Duration::from_millis(100)), "{before:?}, {during:?}");
    assert_eq!(waiting.len(), WAITING);
}

#[tokio::test]
async fn an_upstream_whose_events_fill_what_they_may_leaves_the_other_enough() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let healthy = StandIn::start().await;
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let upstream = Some(settings(&url, &healthy.url));
    let config = Config { upstream, max_upstream_bytes: 64 * 1024, ..Config::default() };
    let service = start_with(config).await;
    let mut others = Vec::new();
    while service.counters.upstream_events_left_out() == 0 {
        assert!(others.len() < 100, "{:?}", service.counters);
        others.push(calls_often(&service).await);
    }
    let close = calls_often(&service).await.closed().await;
    assert!(close["error"].as_str().unwrap().contains("wait for their upstreams"), "{close}");
    let mut client = service.connect_to("healthy", None).await;
    for id in 0..20 {
        client.send(&call(id)).await;
        assert_eq!(client.next().await["type"], 3);
    }
}

/// A client of the hub `hanging` that has called fifty times, or until it was closed.
async fn calls_often(service: &Running) -> Client {
    let mut client = service.connect_to("hanging", None).await;
    for id in 0..50 {
        if client.try_send(&call(id)).await.is_err() {
            break;
        }
    }
    client
}
