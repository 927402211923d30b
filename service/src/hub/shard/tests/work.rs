//! Work that takes a long time.

use super::*;

/// A store that answers late is asked when a connection opens. Changes of the user's groups in the
/// meantime count.
#[tokio::test(start_paused = true)]
async fn changes_while_the_store_is_asked_are_neither_missed_nor_undone() {
    let (scene, local) = Scene::start(rules(), Store::Delayed(Default::default()));
    local
        .run_until(async {
            let ann = UserId::parse("ann").unwrap();
            for name in ["stays", "goes"] {
                let membership = Membership { hub: hub(), user: ann.clone(), group: group(name) };
                scene
                    .shared
                    .store
                    .own()
                    .unwrap()
                    .add(membership, None, std::time::SystemTime::now())
                    .await
                    .unwrap();
            }
            let mut client = scene.connect("a", Some("ann")).await;
            client.post(HANDSHAKE).await;
            assert_eq!(scene.send_to(Target::Group(group("stays"))).await, 0, "not known yet");
            for change in [GroupChange::Leave(group("goes")), GroupChange::Join(group("comes"))] {
                scene.command(Action::Groups { of: GroupsOf::User(ann.clone()), change }).await;
            }
            let asked = Instant::now();
            assert_eq!(client.next().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
            assert!(asked.elapsed() >= DELAY / 2, "the handshake is answered when they are known");
            for (name, count) in [("stays", 1), ("goes", 0), ("comes", 1)] {
                assert_eq!(scene.send_to(Target::Group(group(name))).await, count, "{name}");
            }
        })
        .await;
}

/// What a client posts while the store is asked is held, so it counts and has a bound.
#[tokio::test(start_paused = true)]
async fn what_is_posted_before_the_client_has_entered_counts_and_has_a_bound() {
    let (scene, local) = Scene::start(rules(), Store::Delayed(Default::default()));
    local
        .run_until(async {
            let queued = || scene.shared.records.counters.queued_bytes();
            let mut client = scene.connect("a", Some("ann")).await;
            client.post(HANDSHAKE).await;
            let before = queued();
            client.post(PING).await;
            assert_eq!(queued(), before + PING.len());
            assert_eq!(client.next().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
            assert_eq!(queued(), before);
            let mut client = scene.connect("b", Some("ann")).await;
            client.post(HANDSHAKE).await;
            for _ in 0..=scene.shared.max_queued / PING.len() {
                client.post(PING).await;
            }
            assert_eq!(client.next().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
            let end = client.next().await.unwrap();
            assert!(end.contains("posts too much before its connection is open"), "{end}");
        })
        .await;
}

/// The broker is lost twice in a short time. The second time undoes nothing that happened after
/// the first.
#[tokio::test(start_paused = true)]
async fn a_change_counts_though_the_store_is_asked_again_twice() {
    let (scene, local) = Scene::start(rules(), Store::Delayed(Default::default()));
    local
        .run_until(async {
            let ann = UserId::parse("ann").unwrap();
            let mut client = scene.connect("a", Some("ann")).await;
            client.post(HANDSHAKE).await;
            client.next().await.unwrap();
            scene.push(Work::AskGroupsAgain).await;
            // The store is asked now.
            for _ in 0..100 {
                yield_now().await;
            }
            let membership = Membership { hub: hub(), user: ann.clone(), group: group("comes") };
            let now = std::time::SystemTime::now();
            let own = scene.shared.store.own().unwrap();
            let added = own.add(membership, None, now);
            let change = GroupChange::Join(group("comes"));
            scene.command(Action::Groups { of: GroupsOf::User(ann), change }).await;
            scene.push(Work::AskGroupsAgain).await;
            assert_eq!(scene.send_to(Target::Group(group("comes"))).await, 1);
            let first_answer = tokio::time::sleep(DELAY + DELAY / 10);
            let (added, ()) = tokio::join!(added, first_answer);
            added.unwrap();
            assert_eq!(scene.send_to(Target::Group(group("comes"))).await, 1);
        })
        .await;
}

/// A list of commands may be long. The shard's other tasks get their turn between its steps.
#[tokio::test(start_paused = true)]
async fn a_long_list_of_steps_lets_others_run() {
    let (scene, local) = Scene::start(rules(), Store::default());
    let turns = Rc::new(std::cell::Cell::new(0));
    let counted = Rc::clone(&turns);
    local.spawn_local(async move {
        loop {
            yield_now().await;
            counted.set(counted.get() + 1);
        }
    });
    local
        .run_until(async {
            let _client = scene.connect("a", None).await;
            let steps = (0..30_000).map(|_| Step::Groups(GroupChange::LeaveAll)).collect();
            let before = turns.get();
            scene.command(Action::Execute { filter: None, steps }).await;
            assert!(turns.get() - before >= 30_000 / CHUNK, "{} turns", turns.get() - before);
        })
        .await;
}
