//! Connections that come from another node.

use tokio::sync::watch;

use super::*;
use crate::{
    auth::KeyRing,
    hub::{
        answer::Answer,
        moving::{InGroup, Moved, Outline},
        work::{Arriving, Step},
    },
    protocol::Protocol,
    session::MovedSession,
    shard_of::ShardOf,
    upstream::{Caller, Limits, Replies, Settings, Upstream},
};

fn by_itself(names: &[&str]) -> Vec<InGroup> {
    let in_group = |name: &&str| InGroup { group: group(name), by_itself: true, by_user: false };
    names.iter().map(in_group).collect()
}

/// The connection `c`, which is in these groups, begins to arrive.
fn arriving(groups: &[&str]) -> Step {
    let user = Some(UserId::parse("ann").unwrap());
    let identity = Arc::new(Identity { id: connection("c"), hub: hub(), user });
    let caller =
        Caller { identity: Arc::clone(&identity), claims: Vec::new(), query: String::new() };
    let new = NewConnection {
        place: place(&identity),
        identity,
        terms: Terms { is_stateful: true, ..Terms::default() },
        carrier: Carrier::Away,
        token: None,
        interests: Vec::new(),
        claims: LoginClaims::default(),
        caller: Some(caller),
        app: None,
    };
    let outline = Outline { protocol: Protocol::Json, groups: by_itself(groups) };
    let arriving = Box::new(Arriving { connection: new, outline });
    Step::Begin { arriving, user_here: None }
}

/// A connection in these groups. Its client waits for answers of `calls`, and callers at its old node
/// wait for answers of `invocations`.
fn moved(groups: &[&str], calls: &[&str], invocations: &[&str]) -> Moved {
    let session = MovedSession { has_pinged: true, ..MovedSession::default() };
    let [calls, invocations] =
        [calls, invocations].map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
    Moved { session, groups: by_itself(groups), calls, invocations, ..Moved::default() }
}

impl Scene {
    async fn step(&self, step: Step) {
        self.push(Work::Move { hub: hub(), connection: connection("c"), step }).await;
    }

    /// Begins the arrival of the connection `c`, which is in these groups.
    async fn begin_arrival(&self, groups: &[&str]) {
        self.step(arriving(groups)).await;
    }

    /// The connection arrives, and was in these groups when it left the other node. Its client waits
    /// for answers of `calls`.
    async fn arrive(&self, groups: &[&str], calls: &[&str]) {
        self.go_on(moved(groups, calls, &[])).await;
    }

    async fn go_on(&self, moved: Moved) {
        let (is_here, answer) = oneshot::channel();
        self.step(Step::In { moved: Box::new(moved), is_here }).await;
        assert!(answer.await.unwrap());
    }

    async fn change(&self, change: GroupChange) {
        let of = GroupsOf::Connection(connection("c"));
        assert_eq!(self.command(Action::Groups { of, change }).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn groups_that_were_left_or_joined_during_the_move_are_so_after_it() {
    let (scene, local) = Scene::start(rules(), Store::default());
    let moved = async {
        scene.begin_arrival(&["stays", "left before", "left since"]).await;
        scene.change(GroupChange::Leave(group("left since"))).await;
        scene.change(GroupChange::Join(group("joined since"))).await;
        scene.arrive(&["stays", "left since", "joined before"], &[]).await;
        let mut members = Vec::new();
        for name in ["stays", "joined before", "joined since", "left before", "left since"] {
            members.push(scene.send_to(Target::Group(group(name))).await);
        }
        assert_eq!(members, [1, 1, 1, 0, 0]);
    };
    local.run_until(moved).await;
}

/// The node that took the connection gets the means to report its end, and the shard itself reports
/// nothing.
#[tokio::test]
async fn the_end_of_a_connection_that_does_not_arrive_is_left_to_its_caller() {
    let (replies, _ends) = Replies::new(ShardOf::new(std::num::NonZeroUsize::MIN));
    // Nothing listens there, and nothing is sent either.
    let (_, settings) = watch::channel(Settings::all_to("http://127.0.0.1:9/{event}").unwrap());
    let keys = [signalr_serverless::AccessKey::parse("key").unwrap()];
    let http = signalr_http_client::client(&signalr_http_client::Trust::default()).unwrap();
    let limits = Limits::default();
    let keys = KeyRing::new(&keys).unwrap();
    let upstream = Upstream::new(settings, keys, limits, http, replies, Records::default());
    let (mut scene, _) = Scene::start(rules(), Store::default());
    scene.shared.upstream = Some(upstream.clone());
    let (queue, work) = mpsc::channel(64);
    scene.queue = queue;
    let local = LocalSet::new();
    local.spawn_local(super::super::run(scene.shared.clone(), work));
    let lost = async {
        scene.begin_arrival(&[]).await;
        let (events, lost) = oneshot::channel();
        scene.step(Step::Lost(events)).await;
        let events = lost.await.unwrap().expect("an upstream serves it");
        assert_eq!(upstream.waiting().events, 0);
        events.close(None);
        assert_eq!(upstream.waiting().events, 1);
        assert_eq!(scene.send_to(Target::Hub).await, 0);
        let (events, lost) = oneshot::channel();
        scene.step(Step::Lost(events)).await;
        assert!(lost.await.is_err());
    };
    local.run_until(lost).await;
}

/// The other node answers one call, and then it is gone.
#[tokio::test(start_paused = true)]
async fn calls_that_the_other_node_does_not_answer_end_with_an_error() {
    let rules = Rules { reconnect_timeout: 1000, ..rules() };
    let (scene, local) = Scene::start(rules, Store::default());
    let ended = async {
        scene.begin_arrival(&[]).await;
        scene.arrive(&[], &["1", "2"]).await;
        scene.until(30).await;
        let json = Bytes::from_static(b"{\"type\":3,\"invocationId\":\"1\"}\x1e");
        let message = Content::Encoded { json: Some(json), message_pack: None };
        let recipients = Target::Connection(connection("c")).into();
        let message = Arc::new(Message::new(message));
        assert_eq!(scene.command(Action::Send { recipients, message }).await, 1);
        let (moved, out) = oneshot::channel();
        scene.until(81).await;
        scene.step(Step::Out(moved)).await;
        let (moved, unanswered) = out.await.unwrap();
        assert!(unanswered.is_empty());
        let kept: Vec<&[u8]> = moved.session.kept.iter().map(|sent| &*sent.frame).collect();
        let kept = String::from_utf8_lossy(&kept.concat()).into_owned();
        assert_eq!(kept.matches("\"type\":3").count(), 2, "{kept}");
        assert!(kept.contains("\"invocationId\":\"2\",\"error\":\"Invocation failed"), "{kept}");
        assert!(moved.calls.is_empty());
    };
    local.run_until(ended).await;
}

/// The callers of two calls wait at the node before. It asks for one answer before the client has
/// arrived and for one after, and never for the third.
#[tokio::test(start_paused = true)]
async fn callers_at_the_node_before_get_the_answers_of_the_client() {
    let (scene, _) = Scene::start(rules(), Store::default());
    let local = LocalSet::new();
    let answered = async {
        let shard = Shard::new(scene.shared.clone());
        let take = |step| shard.borrow_mut().take_step(&hub(), &connection("c"), step);
        let wait = |id: &str| {
            let (answer, answered) = oneshot::channel();
            take(Step::Await { invocation_id: id.to_owned(), answer });
            answered
        };
        take(arriving(&[]));
        let early = wait("early");
        let (is_here, is_there) = oneshot::channel();
        let moved = moved(&[], &[], &["early", "late", "never"]);
        take(Step::In { moved: Box::new(moved), is_here });
        assert!(is_there.await.unwrap());
        let key = shard.borrow().find(&hub(), &connection("c")).unwrap();
        let answer = |error: &str| Answer {
            outcome: Err(error.to_owned()),
            protocol: Protocol::Json,
            message: Bytes::new(),
        };
        shard.borrow_mut().complete(key, "early", answer("1"));
        shard.borrow_mut().complete(key, "late", answer("2"));
        let late = wait("late");
        for (waits, error) in [(early, "1"), (late, "2")] {
            let Ok(Answer { outcome, .. }) = waits.await.unwrap() else { panic!("it has a form") };
            assert_eq!(outcome.unwrap_err(), error);
        }
        assert!(wait("late").await.is_err(), "it was answered");

        let (out, gone) = oneshot::channel();
        assert_eq!(shard.borrow().moved_answers.len(), 1);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(shard.borrow().moved_answers.is_empty(), "no node asks for the third any more");
        take(Step::Out(out));
        let (moved, unanswered) = gone.await.unwrap();
        assert!(moved.invocations.is_empty() && unanswered.is_empty());
    };
    local.run_until(answered).await;
}

#[tokio::test(start_paused = true)]
async fn callers_move_with_the_connection_except_those_that_wait_no_longer() {
    let (scene, local) = Scene::start(rules(), Store::default());
    let left = async {
        scene.begin_arrival(&[]).await;
        scene.go_on(moved(&[], &[], &["1", "2"])).await;
        let (answer, waits) = oneshot::channel();
        scene.step(Step::Await { invocation_id: "1".to_owned(), answer }).await;
        let (answer, gave_up) = oneshot::channel();
        scene.step(Step::Await { invocation_id: "2".to_owned(), answer }).await;
        drop(gave_up);
        let (out, gone) = oneshot::channel();
        scene.until(1).await;
        scene.step(Step::Out(out)).await;
        let (moved, unanswered) = gone.await.unwrap();
        assert_eq!(moved.invocations, ["1"]);
        assert_eq!(unanswered.len(), 1);
        drop(unanswered);
        assert!(waits.await.is_err(), "the connection is gone");
    };
    local.run_until(left).await;
}
