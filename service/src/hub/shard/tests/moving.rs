//! Connections that come from another node.

use tokio::sync::watch;

use super::*;
use crate::{
    auth::KeyRing,
    hub::{
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

impl Scene {
    async fn step(&self, step: Step) {
        self.push(Work::Move { hub: hub(), connection: connection("c"), step }).await;
    }

    /// Begins the arrival of the connection `c`, which is in these groups.
    async fn begin_arrival(&self, groups: &[&str]) {
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
        self.step(Step::Begin(Box::new(Arriving { connection: new, outline }))).await;
    }

    /// The connection arrives, and was in these groups when it left the other node.
    async fn arrive(&self, groups: &[&str], calls: &[&str]) {
        let session = MovedSession {
            kept: Vec::new(),
            sent: 0,
            received: 0,
            has_pinged: true,
            renewed: None,
        };
        let calls = calls.iter().map(|id| (*id).to_owned()).collect();
        let moved = Moved {
            session,
            claims: Vec::new(),
            groups: by_itself(groups),
            calls,
            ends: Vec::new(),
        };
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
        let moved = out.await.unwrap();
        let kept: Vec<&[u8]> = moved.session.kept.iter().map(|sent| &*sent.frame).collect();
        let kept = String::from_utf8_lossy(&kept.concat()).into_owned();
        assert_eq!(kept.matches("\"type\":3").count(), 2, "{kept}");
        assert!(kept.contains("\"invocationId\":\"2\",\"error\":\"Invocation failed"), "{kept}");
        assert!(moved.calls.is_empty());
    };
    local.run_until(ended).await;
}
