//! When a shard checks its connections.

use super::*;

fn ping_at(second: u64) -> (u64, String) {
    (second, "data: {\"type\":6}".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_shakes_no_hands_is_closed_at_the_handshake_limit() {
    let (scene, local) = Scene::start(Rules { handshake_timeout: 20, ..rules() }, Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            let (second, event) = client.next_at().await;
            assert_eq!(second, 20);
            assert!(event.contains("Handshake was canceled"), "{event}");
            assert_eq!(client.next().await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_first_ping_is_on_time_though_the_handshake_limit_is_later() {
    let (scene, local) = Scene::start(Rules { handshake_timeout: 60, ..rules() }, Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            scene.until(2).await;
            client.open().await;
            assert_eq!(client.next_at().await, ping_at(17));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn pings_come_when_nothing_else_does() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            client.open().await;
            scene.until(10).await;
            client.post(PING).await;
            assert_eq!(scene.send_to(Target::Hub).await, 1);
            assert_eq!(client.next_at().await, (10, "data: {}".to_owned()));
            assert_eq!(client.next_at().await, ping_at(25));
            client.post(PING).await;
            assert_eq!(client.next_at().await, ping_at(40));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_falls_silent_is_closed_at_its_limit() {
    let (scene, local) = Scene::start(Rules { keep_alive: 100, ..rules() }, Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            client.open().await;
            scene.until(7).await;
            client.post(PING).await;
            let (second, event) = client.next_at().await;
            assert_eq!(second, 37);
            assert!(event.contains("the client sent nothing for 30 seconds"), "{event}");
            assert_eq!(client.next().await, None);
        })
        .await;
}

/// A turn of the timer lets other tasks run after each chunk. Here a second passes in between, and
/// a client of the second chunk sends a message.
#[tokio::test(start_paused = true)]
async fn a_turn_that_crosses_a_second_closes_nobody() {
    let (scene, local) = Scene::start(Rules { keep_alive: 10, ..rules() }, Store::default());
    local
        .run_until(async {
            let shard = Shard::new(scene.shared.clone());
            let mut bodies = Vec::new();
            for id in ["a", "b"] {
                let (sink, body) = events::channel(&scene.shared.queue_budget);
                bodies.push(body);
                let terms = Terms { has_pings: true, ..Terms::default() };
                let carrier = Carrier::ServerSentEvents(sink);
                let identity = Arc::new(Identity { id: connection(id), hub: hub(), user: None });
                let new = NewConnection {
                    place: place(&identity),
                    identity,
                    terms,
                    carrier,
                    token: None,
                    interests: Vec::new(),
                    claims: LoginClaims::default(),
                    caller: None,
                    app: None,
                };
                shard.borrow_mut().insert(new, None);
                hear(&shard, id, HANDSHAKE);
            }
            scene.until(10).await;
            let due = shard.borrow_mut().table.take_due(10);
            shard.borrow_mut().tick(&due[..1]);
            advance(Duration::from_secs(1)).await;
            hear(&shard, "a", PING);
            hear(&shard, "b", PING);
            shard.borrow_mut().tick(&due[1..]);
            for body in bodies {
                let mut client =
                    Client { scene: &scene, id: connection("any"), body: body.boxed() };
                for expected in [":", "data: {}\u{1e}", "data: {\"type\":6}\u{1e}"] {
                    assert_eq!(client.next().await.unwrap().trim_end(), expected);
                }
            }
            assert_eq!(shard.borrow().recipients(&hub(), &Target::Hub.into()).len(), 2);
        })
        .await;
}

fn hear(shard: &SharedShard, id: &str, bytes: &'static [u8]) {
    let request = ClientRequest::Messages {
        bytes: Bytes::from_static(bytes),
        token: TokenTime::Good,
        taken: oneshot::channel().0,
    };
    shard.borrow_mut().take_request(&connection(id), request);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_polls_no_more_is_gone_after_the_gap() {
    let (scene, local) = Scene::start(Rules { poll_gap: 15, ..rules() }, Store::default());
    local
        .run_until(async {
            let queue = Box::new(PollQueue::new(&scene.shared.queue_budget, 0));
            scene.adopt("a", None, Carrier::LongPolling(queue), Terms::default()).await;
            scene.post(&connection("a"), HANDSHAKE).await;
            let handshake = scene.poll("a").await.await;
            assert!(matches!(handshake, Ok(PollAnswer::Messages(_))), "{handshake:?}");
            scene.until(5).await;
            let answered = scene.poll("a").await;
            scene.until(60).await;
            assert_eq!(scene.shared.records.counters.connections(), 1, "a poll waits");
            drop(answered);
            scene.until(75).await;
            assert_eq!(scene.shared.records.counters.connections(), 1);
            scene.until(78).await;
            assert_eq!(scene.shared.records.counters.connections(), 0);
        })
        .await;
}

/// The process is stopped for longer than the client limit. Stock clients that get nothing send no
/// pings.
#[tokio::test(start_paused = true)]
async fn a_client_is_not_silent_for_the_time_that_the_shard_was_away() {
    let (scene, local) = Scene::start(Rules { keep_alive: 100, ..rules() }, Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            client.open().await;
            client.post(PING).await;
            scene.until(5).await;
            advance(Duration::from_secs(40)).await;
            scene.until(70).await;
            assert_eq!(scene.shared.records.counters.connections(), 1);
            let (second, event) = client.next_at().await;
            assert_eq!(second, 75, "from the moment at which the shard was there again");
            assert!(event.contains("the client sent nothing for 30 seconds"), "{event}");
        })
        .await;
}

/// The process is stopped for longer than the client limit. The client's pings wait in its socket.
#[tokio::test(start_paused = true)]
async fn a_shard_that_was_away_hears_its_clients_before_it_judges_them() {
    let (scene, local) = Scene::start(Rules { keep_alive: 100, ..rules() }, Store::default());
    local
        .run_until(async {
            let mut client = scene.connect("a", None).await;
            client.open().await;
            client.post(PING).await;
            scene.until(5).await;
            advance(Duration::from_secs(40)).await;
            // The timer has its turn first.
            for _ in 0..100 {
                yield_now().await;
            }
            client.post(PING).await;
            scene.until(50).await;
            assert_eq!(scene.shared.records.counters.connections(), 1);
            let (second, event) = client.next_at().await;
            assert_eq!(second, 75, "from the last ping");
            assert!(event.contains("the client sent nothing for 30 seconds"), "{event}");
        })
        .await;
}

/// A check of many connections may last longer than the time after which a shard was away.
#[tokio::test(start_paused = true)]
async fn a_shard_whose_checks_last_long_closes_clients_all_the_same() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            for number in 0..4 * CHUNK {
                let queue = Box::new(PollQueue::new(&scene.shared.queue_budget, 0));
                let carrier = Carrier::LongPolling(queue);
                let terms = Terms { handshake_timeout: Some(10), ..Terms::default() };
                scene.adopt(&format!("c{number}"), None, carrier, terms).await;
            }
            let open = || scene.shared.records.counters.connections();
            for _ in 0..200 {
                advance(Duration::from_millis(1500)).await;
            }
            assert_eq!(open(), 0);
        })
        .await;
}
