//! A shard's timers, in tokio's virtual time. Clients are event streams, which need no socket.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::{
    sync::oneshot,
    task::LocalSet,
    time::{Instant, advance, sleep_until, timeout},
};

use super::*;
use crate::{
    admission::{Admission, Place},
    carrier::{Carrier, PollAnswer, PollQueue, QueueBudget, events},
    clock::Clock,
    config::Config,
    hub::{
        command::{Action, Command, GroupChange, GroupsOf, Step, Target},
        message::{Content, Message},
        work::ClientRequest,
    },
    identity::Identity,
    session::{Rules, Terms},
    store::{DELAY, Membership, Store},
};

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";
const PING: &[u8] = b"{\"type\":6}\x1e";

/// A running shard, and the time that it began at.
struct Scene {
    queue: mpsc::Sender<Work>,
    shared: Shared,
    start: Instant,
}

impl Scene {
    /// A shard with these rules and this store, which runs while the local set does.
    fn start(rules: Rules, store: Store) -> (Self, LocalSet) {
        let shared = Shared {
            rules: Arc::new(rules),
            max_queued: 1024,
            queue_budget: QueueBudget::new(usize::MAX, Arc::default()),
            store: Arc::new(store),
            counters: Arc::default(),
            upstream: None,
            clock: Clock::start(),
        };
        let (queue, work) = mpsc::channel(64);
        let local = LocalSet::new();
        local.spawn_local(super::run(shared.clone(), work));
        (Self { queue, shared, start: Instant::now() }, local)
    }

    async fn until(&self, second: u64) {
        sleep_until(self.start + Duration::from_secs(second)).await;
    }

    async fn push(&self, work: Work) {
        self.queue.send(work).await.unwrap();
    }

    async fn connect(&self, id: &str, user: Option<&str>) -> Client<'_> {
        let (sink, body) = events::channel(&self.shared.queue_budget);
        let terms = Terms { has_pings: true, ..Terms::default() };
        self.adopt(id, user, Carrier::ServerSentEvents(sink), terms).await;
        let mut client = Client { scene: self, id: connection(id), body: body.boxed() };
        assert_eq!(client.next().await.unwrap(), ":\r\n");
        client
    }

    async fn adopt(&self, id: &str, user: Option<&str>, carrier: Carrier, terms: Terms) {
        let user = user.map(|user| UserId::parse(user).unwrap());
        let identity = Arc::new(Identity { id: connection(id), hub: hub(), user });
        let new = NewConnection {
            place: place(&identity),
            identity,
            terms,
            carrier,
            token: None,
            caller: None,
        };
        self.push(Work::Adopt(Box::new(new))).await;
    }

    async fn post(&self, connection: &ConnectionId, bytes: &'static [u8]) {
        let (taken, is_taken) = oneshot::channel();
        let request = ClientRequest::Messages { bytes: Bytes::from_static(bytes), taken };
        self.push(Work::FromClient { connection: connection.clone(), request }).await;
        is_taken.await.unwrap();
    }

    async fn poll(&self, id: &str) -> oneshot::Receiver<PollAnswer> {
        let (poll, answered) = oneshot::channel();
        let request = ClientRequest::Poll(poll);
        self.push(Work::FromClient { connection: connection(id), request }).await;
        answered
    }

    async fn command(&self, action: Action) -> usize {
        let (matched, count) = oneshot::channel();
        let command = Arc::new(Command { hub: hub(), action });
        self.push(Work::Command { command, matched: Some(matched) }).await;
        count.await.unwrap()
    }

    async fn send_to(&self, target: Target) -> usize {
        let json = Some(Bytes::from_static(b"{}\x1e"));
        let message = Arc::new(Message::new(Content::Encoded { json, message_pack: None }));
        self.command(Action::Send { recipients: target.into(), message }).await
    }
}

struct Client<'a> {
    scene: &'a Scene,
    id: ConnectionId,
    body: http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>,
}

impl Client<'_> {
    async fn post(&self, bytes: &'static [u8]) {
        self.scene.post(&self.id, bytes).await;
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<String> {
        let frame = timeout(Duration::from_secs(3600), self.body.frame()).await.unwrap()?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    /// The next event, and the second in which it came.
    async fn next_at(&mut self) -> (u64, String) {
        let event = self.next().await.unwrap_or_default();
        (self.scene.start.elapsed().as_secs(), event.replace(['\r', '\n', '\u{1e}'], ""))
    }

    async fn open(&mut self) {
        self.post(HANDSHAKE).await;
        assert_eq!(self.next().await.unwrap(), "data: {}\u{1e}\r\n\r\n");
    }
}

fn place(identity: &Arc<Identity>) -> Place {
    Admission::new(None, None, Arc::default()).admit(identity, None).unwrap()
}

fn rules() -> Rules {
    Config::default().rules()
}

fn connection(id: &str) -> ConnectionId {
    ConnectionId::parse(id).unwrap()
}

fn hub() -> HubName {
    HubName::parse("chat").unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

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

/// A turn of the timer lets others run after each chunk. Here a second goes by in between, and a
/// client of the second chunk is heard.
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
                    caller: None,
                };
                shard.borrow_mut().insert(new);
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
    let request =
        ClientRequest::Messages { bytes: Bytes::from_static(bytes), taken: oneshot::channel().0 };
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
            assert_eq!(scene.shared.counters.connections(), 1, "a poll waits");
            drop(answered);
            scene.until(75).await;
            assert_eq!(scene.shared.counters.connections(), 1);
            scene.until(78).await;
            assert_eq!(scene.shared.counters.connections(), 0);
        })
        .await;
}

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
                scene.shared.store.add(membership, None, std::time::SystemTime::now()).await;
            }
            let mut client = scene.connect("a", Some("ann")).await;
            client.open().await;
            assert_eq!(scene.send_to(Target::Group(group("stays"))).await, 0, "not known yet");
            for change in [GroupChange::Leave(group("goes")), GroupChange::Join(group("comes"))] {
                scene.command(Action::Groups { of: GroupsOf::User(ann.clone()), change }).await;
            }
            sleep_until(Instant::now() + 2 * DELAY).await;
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
