//! What clients of a running service do, as its upstream sees it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

#[allow(dead_code, reason = "the tests of the service need more of it")]
#[path = "../service/client.rs"]
mod client;

mod calls;
mod connections;
mod fairness;
mod settings;
mod stand_in;

use signalr_service::{Config, upstream::Settings};
use tokio::sync::watch;

use self::{
    client::{Running, start_with},
    stand_in::StandIn,
};

/// A service that tells the stand-in everything.
async fn start() -> (Running, StandIn) {
    let upstream = StandIn::start().await;
    let service = start_for(&format!("{}/{{category}}/{{event}}", upstream.url)).await;
    (service, upstream)
}

/// A service that calls one URL for all events.
async fn start_for(url: &str) -> Running {
    let (_, settings) = watch::channel(Settings::all_to(url).unwrap());
    start_with(Config { upstream: Some(settings), ..Config::default() }).await
}
