//! The end of the service: how a shard asks its clients to reconnect.

use super::*;

/// Asks a shard to close its connections over this many seconds.
async fn close_over(scene: &Scene, seconds: u64) -> oneshot::Receiver<usize> {
    let (done, closed) = oneshot::channel();
    scene.push(Work::CloseOver { spread: Duration::from_secs(seconds), done }).await;
    closed
}

#[tokio::test(start_paused = true)]
async fn many_clients_are_told_to_come_back_evenly_over_the_spread() {
    const CLIENTS: usize = 300;
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let mut clients = Vec::new();
            for number in 0..CLIENTS {
                let mut client = scene.connect(&format!("c{number}"), None).await;
                client.open().await;
                clients.push(client);
            }
            let start = Instant::now();
            let closed = close_over(&scene, 4).await;
            sleep_until(start + Duration::from_secs(1)).await;
            let left = scene.send_to(Target::Hub).await;
            assert!((CLIENTS * 70 / 100..CLIENTS * 80 / 100).contains(&left), "{left} are left");
            assert_eq!(closed.await, Ok(CLIENTS));
            let took = start.elapsed();
            assert!((3900..4100).contains(&took.as_millis()), "{took:?}");
            for mut client in clients {
                let mut last = String::new();
                while let Some(event) = client.next().await {
                    last = event;
                }
                assert!(last.contains("shutting down"), "{last}");
                assert!(last.contains("\"allowReconnect\":true"), "{last}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn few_clients_take_less_than_the_spread_and_none_take_no_time() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let start = Instant::now();
            assert_eq!(close_over(&scene, 60).await.await, Ok(0));
            assert_eq!(start.elapsed(), Duration::ZERO);
            let mut client = scene.connect("a", None).await;
            client.open().await;
            assert_eq!(close_over(&scene, 60).await.await, Ok(1));
            assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
        })
        .await;
}
