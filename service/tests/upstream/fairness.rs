//! An upstream that hangs holds up no other.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use signalr_service::{Config, upstream::Settings};
use tokio::{net::TcpListener, sync::watch};

use crate::{client::Client, client::start_with, stand_in::StandIn};

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

#[tokio::test]
async fn six_hundred_calls_that_wait_for_one_upstream_delay_none_of_another() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let healthy = StandIn::start().await;
    let template = |hub: &str, url: String| json!({ "UrlTemplate": url, "HubPattern": hub, "CategoryPattern": "messages" });
    let templates = [
        template("hanging", format!("http://{}/", hanging.local_addr().unwrap())),
        template("healthy", format!("{}/", healthy.url)),
    ];
    let settings = json!({ "UpstreamSettings": { "Templates": templates } }).to_string();
    let (_, settings) = watch::channel(Settings::parse(&settings).unwrap());
    let service = start_with(Config { upstream: Some(settings), ..Config::default() }).await;
    let mut client = service.connect_to("healthy", None).await;
    let before = longest(&mut client).await;

    let waiting = join_all((0..WAITING).map(async |id| {
        let mut client = service.connect_to("hanging", None).await;
        client.send(&call(id)).await;
        client
    }));
    let waiting = waiting.await;
    // Places are taken: a request came, and more than its like are waiting.
    let _taken = hanging.accept().await.unwrap();
    let during = longest(&mut client).await;
    println!(
        "the longest of 20 calls: {before:?} alone, {during:?} while {WAITING} wait elsewhere"
    );
    assert!(during < 10 * before.max(Duration::from_millis(100)), "{before:?}, {during:?}");
    assert_eq!(waiting.len(), WAITING);
}
