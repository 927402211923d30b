//! Settings from a file that changes while the service runs.

use std::fs;

use serde_json::json;
use signalr_service::{Config, ReloadSignals, upstream::Settings};

use crate::{client::start_with, stand_in::StandIn};

#[tokio::test]
async fn a_new_file_counts_for_clients_that_are_connected() {
    let (mut first, mut second) = (StandIn::start().await, StandIn::start().await);
    let folder = tempfile::tempdir().unwrap();
    let name = |upstream: &StandIn| {
        let settings =
            json!({ "UpstreamSettings": { "Templates": [{ "UrlTemplate": upstream.url }] } });
        fs::write(folder.path().join("settings.json"), settings.to_string()).unwrap();
    };
    name(&first);
    let settings = Settings::watch(folder.path(), ReloadSignals::default()).unwrap();
    let mut changes = settings.clone();
    let service = start_with(Config { upstream: Some(settings), ..Config::default() }).await;
    let mut client = service.connect(None).await;
    first.next().await;
    name(&second);
    changes.changed().await.unwrap();
    client.send(&json!({ "type": 1, "target": "send", "arguments": [] })).await;
    assert_eq!(second.next().await.header("x-asrs-event"), Some("send"));
    drop(client);
    assert_eq!(second.next().await.header("x-asrs-event"), Some("disconnected"));
}
