//! Nothing remains of connections that left, of groups, of calls and of tasks.

use bytes::BytesMut;
use signalr_http_server::SocketPlaces;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::{
    carrier::{Stream, WebSocket},
    hub::work::Invoke,
};

/// A shard without a queue. Its timers run.
fn shard_of(scene: &Scene) -> SharedShard {
    let shard = Shard::new(scene.shared.clone());
    spawn_local(keep_time(Rc::downgrade(&shard)));
    shard
}

/// The other end of a carrier. It closes when it is dropped.
type Peer = Box<dyn std::any::Any>;

/// A carrier of each kind. The last one belongs to a client that may resume.
async fn carriers(scene: &Scene) -> Vec<(Carrier, Terms, Peer)> {
    let budget = &scene.shared.queue_budget;
    let with_pings = Terms { has_pings: true, ..Terms::default() };
    let (sink, body) = events::channel(budget);
    let polls = PollQueue::new(budget, scene.shared.clock.now());
    let mut carriers: Vec<(Carrier, Terms, Peer)> = vec![
        (Carrier::ServerSentEvents(sink), with_pings.clone(), Box::new(body)),
        (Carrier::LongPolling(Box::new(polls)), Terms::default(), Box::new(())),
    ];
    for is_stateful in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let place = SocketPlaces::default();
        let place = Arc::new(Arc::new(place).take([127, 0, 0, 1].into()).unwrap());
        let stream = Stream::new(socket, None);
        let socket = WebSocket::new(stream, place, BytesMut::new(), budget.clone());
        let terms = Terms { is_stateful, ..with_pings.clone() };
        carriers.push((Carrier::WebSocket(socket), terms, Box::new(peer)));
    }
    carriers
}

/// Connects a client with each carrier. Each client joins a group, gets a call and sends half a
/// message.
async fn connect(scene: &Scene, shard: &SharedShard, id: &str) -> Vec<Peer> {
    let mut peers = Vec::new();
    for (number, (carrier, terms, peer)) in carriers(scene).await.into_iter().enumerate() {
        let id = connection(&format!("{id} {number}"));
        let user = UserId::parse("ann").ok();
        let identity = Arc::new(Identity { id: id.clone(), hub: hub(), user });
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
                claims: LoginClaims::default(),
                caller: None,
                app: None,
            },
            None,
        );
        for bytes in [HANDSHAKE, b"{\"type\":"] {
            let (taken, bytes) = (oneshot::channel().0, Bytes::from_static(bytes));
            request(shard, &id, ClientRequest::Messages { bytes, token: TokenTime::Good, taken });
        }
        let (keys, way) = shard.borrow().concerned(&hub(), &GroupsOf::Connection(id.clone()));
        assert_eq!(keys.len(), 1, "the connection is open");
        let join = GroupChange::Join(group(&format!("group of {id}")));
        shard.borrow_mut().change_groups(&keys, &join, way);
        let json = Some(Bytes::from_static(b"{}\x1e"));
        let message = Arc::new(Message::new(Content::Encoded { json, message_pack: None }));
        let (outcome, _gone) = oneshot::channel();
        let invocation_id = "1".to_owned();
        let invoke = Invoke {
            hub: hub(),
            connection: id,
            invocation_id,
            message,
            asked_by: None,
            answer: outcome,
        };
        shard.borrow_mut().invoke(invoke);
        peers.push(peer);
    }
    peers
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
    assert_eq!(scene.shared.records.counters.connections(), 0);
    assert_eq!(scene.shared.records.counters.queued_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_of_clients_that_left() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            for number in 0..50 {
                let peers = connect(&scene, &shard, &format!("c{number}")).await;
                drop(peers);
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
            let mut peers = Vec::new();
            for number in 0..50 {
                peers.extend(connect(&scene, &shard, &format!("c{number}")).await);
            }
            assert!(scene.shared.records.counters.queued_bytes() > 0);
            close_all(&shard, &mut Pace::new()).await;
            sleep_until(Instant::now() + Duration::from_secs(70)).await;
            is_as_new(&scene, &shard);
            drop(peers);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn callers_that_stopped_waiting_leave_nothing_at_an_open_connection() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            let _peers = connect(&scene, &shard, "c").await;
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

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_connection_though_its_carrier_has_not_ended() {
    let (scene, local) = Scene::start(rules(), Store::default());
    local
        .run_until(async {
            let shard = shard_of(&scene);
            let _peers = connect(&scene, &shard, "c").await;
            let json = Some(Bytes::from_static(b"{}\x1e"));
            let message = Arc::new(Message::new(Content::Encoded { json, message_pack: None }));
            let (answer, mut answered) = oneshot::channel();
            let (id, invocation_id) = (connection("c 0"), "2".to_owned());
            let invoke = Invoke {
                hub: hub(),
                connection: id,
                invocation_id,
                message,
                asked_by: None,
                answer,
            };
            shard.borrow_mut().invoke(invoke);
            assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
            close_all(&shard, &mut Pace::new()).await;
            let sizes = shard.borrow().table.sizes();
            assert!(sizes.0 > 0, "carriers have not ended");
            assert!(matches!(answered.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        })
        .await;
}
