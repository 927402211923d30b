//! Several services at once: one of them goes.

use std::time::SystemTime;

use serde_json::json;
use signalr_serverless::{
    HubName, NegotiateOptions,
    rest::{Endpoint, Endpoints, Hub},
};

use crate::{
    client::{Client, start},
    scene::{ARGUMENTS, connection_string, message},
};

async fn broadcast(hub: Hub) -> Result<(), signalr_serverless::Error> {
    hub.broadcast(&message()).await
}

/// Connects a client where it is sent.
async fn negotiate(endpoints: &Endpoints, hub: &HubName) -> (String, Client) {
    let options = NegotiateOptions::default();
    let answer = endpoints.negotiate(hub, &options, SystemTime::now(), 0).await.unwrap();
    let url = answer.url.replace("http://", "ws://");
    let url = format!("{url}&access_token={}", answer.access_token.as_str());
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    (answer.url, client)
}

#[tokio::test]
async fn clients_and_sends_go_to_the_services_that_are_up() {
    let (west, east) = (start().await, start().await);
    let endpoints = Endpoints::new([
        Endpoint::new("west", connection_string(&west.host)),
        Endpoint::new("east", connection_string(&east.host)).as_secondary(),
    ])
    .unwrap();
    let hub = HubName::parse("chat").unwrap();
    endpoints.check_health(SystemTime::now()).await;

    let (url, mut in_the_west) = negotiate(&endpoints, &hub).await;
    assert!(url.contains(&west.host), "{url}");
    let mut in_the_east = east.connect(None).await;
    for sent in endpoints.call(&hub, broadcast).await.unwrap() {
        sent.result.unwrap();
    }
    assert_eq!(in_the_west.arguments().await, json!(ARGUMENTS));
    assert_eq!(in_the_east.arguments().await, json!(ARGUMENTS));

    west.stop().await;
    endpoints.check_health(SystemTime::now()).await;
    assert_eq!(endpoints.online().collect::<Vec<_>>(), ["east"]);
    let (url, mut moved) = negotiate(&endpoints, &hub).await;
    assert!(url.contains(&east.host), "{url}");
    let sent = endpoints.call(&hub, broadcast).await.unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(moved.arguments().await, json!(ARGUMENTS));
}
