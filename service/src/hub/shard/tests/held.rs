//! The bytes that are held for all clients have a bound.

use super::*;

/// The beginning of a message.
const PART: &[u8] = &[b' '; 600];

#[tokio::test(start_paused = true)]
async fn who_sent_most_of_messages_without_an_end_is_closed_first() {
    let (scene, local) = Scene::start_with(rules(), Store::default(), 2000);
    local
        .run_until(async {
            let (mut much, mut little) =
                (scene.connect("a", None).await, scene.connect("b", None).await);
            much.open().await;
            little.open().await;
            for client in [&much, &little, &much] {
                client.post(PART).await;
                assert_eq!(scene.shared.records.counters.slow_clients_closed(), 0);
            }
            assert!((1800..2000).contains(&scene.shared.records.counters.queued_bytes()));
            much.post(PART).await;
            let close = much.next().await.unwrap();
            assert!(close.contains("too much is held for all clients together"), "{close}");
            assert_eq!(much.next().await, None);
            assert_eq!(scene.shared.records.counters.slow_clients_closed(), 1);
            little.post(b"{\"type\":6}\x1e").await;
            assert_eq!(scene.shared.records.counters.queued_bytes(), 0);
            assert_eq!(scene.send_to(Target::Hub).await, 1, "the other is still there");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_a_reconnect_goes_before_any_client_does() {
    let (scene, local) = Scene::start_with(rules(), Store::default(), 500);
    local
        .run_until(async {
            let terms = Terms { has_pings: true, is_stateful: true, ..Terms::default() };
            let mut client = scene.connect_on(terms, "a", None).await;
            client.open().await;
            for _ in 0..100 {
                assert_eq!(scene.send_to(Target::Hub).await, 1);
                assert_eq!(client.next().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
                assert!(scene.shared.records.counters.queued_bytes() <= 500);
            }
            assert_eq!(scene.shared.records.counters.slow_clients_closed(), 0);
            let kept = scene.shared.records.counters.queued_bytes();
            assert!(kept > 0, "what came last is kept");
            client.post(b"{\"type\":").await;
            assert!(scene.shared.records.counters.queued_bytes() > kept);
            drop(client);
            scene.until(10).await;
            assert_eq!(
                scene.shared.records.counters.queued_bytes(),
                kept,
                "without the half message"
            );
            assert_eq!(scene.shared.records.counters.connections(), 1, "it may come back");
            scene.until(60).await;
            let counters = &scene.shared.records.counters;
            assert_eq!((counters.connections(), counters.queued_bytes()), (0, 0));
        })
        .await;
}
