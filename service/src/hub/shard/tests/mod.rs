//! A shard in tokio's virtual time. Its clients use event streams and polls, which need no socket.

mod ending;
mod growth;
mod held;
mod logins;
mod moving;
mod timers;
mod work;

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
    app_server::{AppServers, ServiceModes},
    budget::QueueBudget,
    carrier::{Carrier, PollAnswer, PollQueue, events},
    clock::Clock,
    config::Config,
    counters::Counters,
    hub::{
        command::{Action, Command, GroupChange, GroupsOf, Step, Target},
        message::{Content, Message},
        work::{ClientRequest, TokenTime},
    },
    identity::Identity,
    login::LoginClaims,
    records::Records,
    session::{Rules, Terms},
    store::{DELAY, Membership, Store},
};

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";
const PING: &[u8] = b"{\"type\":6}\x1e";

/// A running shard, and the time at which it began.
struct Scene {
    queue: mpsc::Sender<Work>,
    shared: Shared,
    start: Instant,
}

impl Scene {
    /// A shard with these rules and this store. It runs while the local set runs.
    fn start(rules: Rules, store: Store) -> (Self, LocalSet) {
        Self::start_with(rules, store, usize::MAX)
    }

    /// The same with a bound of the bytes that are held for all clients.
    fn start_with(rules: Rules, store: Store, max_held: usize) -> (Self, LocalSet) {
        let counters = Arc::new(Counters::default());
        let shared = Shared {
            rules: Arc::new(rules),
            max_queued: 1024,
            queue_budget: QueueBudget::new(max_held, Arc::clone(&counters)),
            store: Arc::new(store),
            records: Records { counters, ..Records::default() },
            has_dashboard: false,
            upstream: None,
            broker: None,
            app_servers: Arc::new(AppServers::new(8, ServiceModes::default())),
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
        self.connect_on(Terms { has_pings: true, ..Terms::default() }, id, user).await
    }

    async fn connect_on(&self, terms: Terms, id: &str, user: Option<&str>) -> Client<'_> {
        let (sink, body) = events::channel(&self.shared.queue_budget);
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
            interests: Vec::new(),
            claims: LoginClaims::default(),
            caller: None,
            app: None,
        };
        self.push(Work::Adopt { connection: Box::new(new), user_here: None }).await;
    }

    async fn post(&self, connection: &ConnectionId, bytes: &'static [u8]) {
        let (taken, is_taken) = oneshot::channel();
        let (bytes, token) = (Bytes::from_static(bytes), TokenTime::Good);
        let request = ClientRequest::Messages { bytes, token, taken };
        self.push(Work::FromClient { connection: connection.clone(), request }).await;
        is_taken.await.unwrap();
    }

    async fn poll(&self, id: &str) -> oneshot::Receiver<PollAnswer> {
        self.poll_with(id, TokenTime::Good).await
    }

    async fn poll_with(&self, id: &str, token: TokenTime) -> oneshot::Receiver<PollAnswer> {
        let (poll, answered) = oneshot::channel();
        let request = ClientRequest::Poll { token, poll };
        self.push(Work::FromClient { connection: connection(id), request }).await;
        answered
    }

    async fn command(&self, action: Action) -> usize {
        let (matched, count) = oneshot::channel();
        let command = Arc::new(Command { hub: hub(), action, followed: None });
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
