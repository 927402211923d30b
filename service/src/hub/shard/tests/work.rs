//! Work that takes its time.

use super::*;

/// A store that answers late is asked when a connection opens. What happens to the user's groups
/// meanwhile counts.
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

/// A list of commands may be long. Between its steps the shard's other tasks get their turn.
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
