//! Nothing stays of connections that left, of groups, of calls and of tasks.

use super::*;
use crate::hub::work::Invoke;

/// A shard without a queue, whose time runs.
fn shard_of(scene: &Scene) -> SharedShard {
    let shard = Shard::new(scene.shared.clone());
    spawn_local(keep_time(Rc::downgrade(&shard)));
    shard
}

fn carriers(scene: &Scene) -> [(Carrier, Option<events::EventBody>); 2] {
    let budget = &scene.shared.queue_budget;
    let (sink, body) = events::channel(budget);
    let polls = PollQueue::new(budget, scene.shared.clock.now());
    [(Carrier::ServerSentEvents(sink), Some(body)), (Carrier::LongPolling(Box::new(polls)), None)]
}

/// Connects a client on each transport and lets it join a group and be called.
fn connect(scene: &Scene, shard: &SharedShard, id: &str) -> Vec<Option<events::EventBody>> {
    let mut bodies = Vec::new();
    for (number, (carrier, body)) in carriers(scene).into_iter().enumerate() {
        let id = connection(&format!("{id} {number}"));
        let user = UserId::parse("ann").ok();
        let identity = Arc::new(Identity { id: id.clone(), hub: hub(), user });
        let terms = Terms { has_pings: body.is_some(), ..Terms::default() };
        let place = place(&identity);
        adopt(
            shard,
            NewConnection {
                identity,
                terms,
                carrier,
                place,
                token: None,
                interests: Vec::new(),
                caller: None,
            },
        );
        request(
            shard,
            &id,
            ClientRequest::Messages {
                bytes: Bytes::from_static(HANDSHAKE),
                taken: oneshot::channel().0,
            },
        );
        let (keys, way) = shard.borrow().concerned(&hub(), &GroupsOf::Connection(id.clone()));
        assert_eq!(keys.len(), 1, "the connection is open");
        let join = GroupChange::Join(group(&format!("group of {id}")));
        shard.borrow_mut().change_groups(&keys, &join, way);
        let json = Some(Bytes::from_static(b"{}\x1e"));
        let message = Arc::new(Message::new(Content::Encoded { json, message_pack: None }));
        let (outcome, _gone) = oneshot::channel();
        let invocation_id = "1".to_owned();
        let invoke = Invoke { hub: hub(), connection: id, invocation_id, message, outcome };
        shard.borrow_mut().invoke(invoke);
        bodies.push(body);
    }
    bodies
}

fn request(shard: &SharedShard, id: &ConnectionId, request: ClientRequest) {
    shard.borrow_mut().take_request(id, request);
}

fn is_as_new(scene: &Scene, shard: &SharedShard) {
    let sizes = shard.borrow().table.sizes();
    assert_eq!(sizes, (0, 0, 0), "connections, ids and timer entries");
    assert!(shard.borrow().groups.is_empty(), "hubs");
    assert!(shard.borrow().entering.is_empty(), "connections whose groups are asked for");
    assert_eq!(Rc::strong_count(shard), 1, "tasks of connections");
    assert_eq!(scene.shared.counters.connections(), 0);
    assert_eq!(scene.shared.counters.queued_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_of_clients_that_left() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            for number in 0..200 {
                let bodies = connect(&scene, &shard, &format!("c{number}"));
                drop(bodies);
                let polling = connection(&format!("c{number} 1"));
                request(&shard, &polling, ClientRequest::End);
            }
            sleep_until(Instant::now() + Duration::from_secs(70)).await;
            is_as_new(&scene, &shard);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_of_clients_that_were_closed_and_take_nothing() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            let mut bodies = Vec::new();
            for number in 0..200 {
                bodies.extend(connect(&scene, &shard, &format!("c{number}")));
            }
            assert!(scene.shared.counters.queued_bytes() > 0);
            close_all(&shard, &mut Pace::new()).await;
            sleep_until(Instant::now() + Duration::from_secs(70)).await;
            is_as_new(&scene, &shard);
            drop(bodies);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_stopped_waiting_leave_nothing_at_an_open_connection() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            let _bodies = connect(&scene, &shard, "c");
            let key = shard.borrow().table.find(&connection("c 0")).unwrap();
            let waiting = |shard: &SharedShard| {
                let shard = shard.borrow();
                shard.table.get(key).unwrap().invocations.as_ref().map_or(0, |all| all.len())
            };
            assert_eq!(waiting(&shard), 1);
            sleep_until(Instant::now() + Duration::from_secs(70)).await;
            assert_eq!(waiting(&shard), 0);
        })
        .await;
}
