//! Compares sends over one connection with REST calls, one at a time.

use std::time::{Duration, Instant};

use crate::scene::{Listener, Scene, message};

const BY_CONNECTION: u32 = 5000;
const BY_REST: u32 = 500;

/// The mean time for each of `count` messages until all have arrived.
async fn received(listener: &mut Listener, count: u32, since: Instant) -> Duration {
    for _ in 0..count {
        listener.next().await;
    }
    since.elapsed() / count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_carries_many_times_what_rest_does_one_by_one() {
    let scene = Scene::start().await;
    let mut client = scene.client("ann").await;
    let (hub, rest) = (scene.hub().await, scene.rest());
    let message = message("x");
    let begin = Instant::now();
    let sending = async {
        for _ in 0..BY_CONNECTION {
            hub.broadcast(&message).await.unwrap();
        }
    };
    let (by_connection, ()) = tokio::join!(received(&mut client, BY_CONNECTION, begin), sending);
    let begin = Instant::now();
    let sending = async {
        for _ in 0..BY_REST {
            rest.broadcast(&message).await.unwrap();
        }
    };
    let (by_rest, ()) = tokio::join!(received(&mut client, BY_REST, begin), sending);
    eprintln!("{by_connection:?} for each message by a connection, {by_rest:?} by REST");
    assert!(by_connection * 5 < by_rest, "{by_connection:?} {by_rest:?}");
}
