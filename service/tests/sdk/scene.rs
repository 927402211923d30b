//! A hub with three clients, and who of them receives what.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use signalr_serverless::{
    ApplicationName, ConnectionId, ConnectionString, GroupName, HubName, UserId,
    rest::{ApiVersion, Connection, Group, Hub, Message, RestClient, User},
};
use signalr_service::WELL_KNOWN_ACCESS_KEY;

use crate::client::{Client, Running};

/// What every send of these tests has for arguments.
pub(crate) const ARGUMENTS: [i32; 2] = [1, 2];

/// Where callers call, and where Ann, Bob and Carol connect.
#[derive(Clone, Copy)]
pub(crate) struct Nodes<'a> {
    pub(crate) callers: &'a Running,
    pub(crate) clients: [&'a Running; 3],
}

impl<'a> From<&'a Running> for Nodes<'a> {
    /// One service for all.
    fn from(service: &'a Running) -> Self {
        Self { callers: service, clients: [service; 3] }
    }
}

/// Ann, Bob and Carol, each with a connection, in a hub of their own.
pub(crate) struct Scene<'a> {
    /// Where callers call.
    pub(crate) service: &'a Running,
    /// Where Carol connects, and anyone who comes later.
    pub(crate) later: &'a Running,
    pub(crate) rest: RestClient,
    pub(crate) hub: Hub,
    /// The hub's name with the application's prefix, as clients and version v1 know it.
    pub(crate) full_hub: String,
    pub(crate) ann: Client,
    pub(crate) bob: Client,
    pub(crate) carol: Client,
}

pub(crate) fn connection_string(host: &str) -> ConnectionString {
    let text = format!("Endpoint=http://{host};AccessKey={WELL_KNOWN_ACCESS_KEY}");
    ConnectionString::parse(&text).unwrap()
}

pub(crate) fn message() -> Message {
    Message::new("m", &ARGUMENTS).unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

impl<'a> Scene<'a> {
    pub(crate) async fn new(
        nodes: Nodes<'a>,
        version: ApiVersion,
        application: Option<&str>,
    ) -> Self {
        let Nodes { callers: service, clients: [of_ann, of_bob, of_carol] } = nodes;
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("hub{}", COUNT.fetch_add(1, Ordering::SeqCst));
        let mut rest =
            RestClient::new(&connection_string(&service.host)).unwrap().with_version(version);
        let mut full_hub = name.clone();
        if let Some(application) = application {
            rest = rest.with_application(ApplicationName::parse(application).unwrap());
            full_hub = format!("{application}_{name}");
        }
        let hub = rest.hub(HubName::parse(&name).unwrap());
        let [ann, bob, carol] = ["ann", "bob", "carol"].map(Some);
        let ann = of_ann.connect_to(&full_hub, ann).await;
        let bob = of_bob.connect_to(&full_hub, bob).await;
        let carol = of_carol.connect_to(&full_hub, carol).await;
        Self { service, later: of_carol, rest, hub, full_hub, ann, bob, carol }
    }

    /// Another client of the hub.
    pub(crate) async fn connect(&self, user: Option<&str>) -> Client {
        self.later.connect_to(&self.full_hub, user).await
    }

    pub(crate) fn id(client: &Client) -> ConnectionId {
        ConnectionId::parse(&client.id).unwrap()
    }

    pub(crate) fn ann(&self) -> User {
        self.hub.user(user("ann"))
    }

    pub(crate) fn connection(&self) -> Connection {
        self.hub.connection(Self::id(&self.ann))
    }

    pub(crate) fn group(&self) -> Group {
        self.hub.group(group("g"))
    }

    /// Puts clients into groups by calls that are not the SDK's.
    pub(crate) async fn put(&self, client: &Client, group: &str) {
        let path =
            format!("/api/v1/hubs/{}/groups/{group}/connections/{}", self.full_hub, client.id);
        assert!(self.service.status(reqwest::Method::PUT, &path).await.is_success());
    }

    /// What each client got until a message that all get.
    async fn received(&mut self) -> [Vec<Value>; 3] {
        let path = format!("/api/v1/hubs/{}", self.full_hub);
        self.service.send(&path, json!(["end"])).await;
        let mut received = [const { Vec::new() }; 3];
        let clients = [&mut self.ann, &mut self.bob, &mut self.carol];
        for (client, messages) in clients.into_iter().zip(&mut received) {
            loop {
                let message = client.next().await;
                if message["arguments"] == json!(["end"]) {
                    break;
                }
                messages.push(message);
            }
        }
        received
    }

    /// Checks that these clients got the message once, and the others nothing.
    pub(crate) async fn only(&mut self, names: &[&str]) {
        let message = json!({ "type": 1, "target": "m", "arguments": ARGUMENTS });
        for (name, got) in ["ann", "bob", "carol"].into_iter().zip(self.received().await) {
            let expected = if names.contains(&name) { vec![message.clone()] } else { vec![] };
            assert_eq!(got, expected, "{name}");
        }
    }

    /// Checks that Ann got these, and the others nothing.
    pub(crate) async fn only_ann_got(&mut self, messages: Value) {
        let [ann, bob, carol] = self.received().await;
        assert_eq!((json!(ann), bob, carol), (messages, vec![], vec![]));
    }

    /// Checks who is in a group, by who gets what is sent to it.
    pub(crate) async fn is_group_of(&mut self, group: &str, names: &[&str]) {
        let path = format!("/api/v1/hubs/{}/groups/{group}", self.full_hub);
        self.service.send(&path, json!(ARGUMENTS)).await;
        self.only(names).await;
    }
}

/// Reads a client's close, and checks its reason.
pub(crate) async fn is_closed(client: &mut Client, reason: &str) {
    let close = client.closed().await;
    assert_eq!(close, json!({ "type": 7, "error": reason, "allowReconnect": true }));
}
