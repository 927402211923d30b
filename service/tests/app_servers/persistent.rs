//! Persistent mode beside REST: each row is done by both, on scenes of their own, with the same effect.

use reqwest::Method;
use serde_json::{Value, json};
use signalr_server_protocol::{
    AckStatus, BroadcastData, CheckConnectionExistenceWithAck, CheckGroupExistenceWithAck,
    CheckUserExistenceWithAck, CheckUserInGroupWithAck, CloseConnection, CloseConnectionWithAck,
    CloseConnectionsWithAck, CloseGroupConnectionsWithAck, CloseUserConnectionsWithAck,
    ConnectionKind, Extensions, GroupBroadcastData, Headers, JoinGroup, JoinGroupWithAck,
    LeaveGroup, LeaveGroupWithAck, Message, MultiConnectionData, MultiGroupBroadcastData,
    MultiUserData, UserData, UserJoinGroup, UserJoinGroupWithAck, UserLeaveGroup,
    UserLeaveGroupWithAck,
};

use crate::{
    app::{App, payloads},
    nodes::node_of,
    redis::Redis,
    service::{Client, Running, start},
};

/// Ann is in the group `g` by herself and in `u` as a user; Bob is nowhere.
struct Scene {
    service: Running,
    /// The nodes of Bob and of the app, if these are others than Ann's.
    _others: Vec<Running>,
    ann: Client,
    bob: Client,
    app: App,
}

/// What came of a row: the status, what each client got or that it was closed, and which of the groups
/// `g`, `u` and `new` Ann is in.
type Effect = (Option<bool>, [Vec<String>; 2], Vec<&'static str>);

impl Scene {
    async fn new() -> Self {
        let service = start().await;
        let (ann, bob) = (service.connect(Some("ann")).await, service.connect(Some("bob")).await);
        let app = App::connect(&service, "persistent", ConnectionKind::Weak).await;
        Self::of(service, Vec::new(), ann, bob, app).await
    }

    /// The same with Ann, Bob and the app on nodes of their own.
    async fn of_cluster(redis: &Redis, prefix: &str) -> Self {
        let service = node_of(redis, prefix).await;
        let others = vec![node_of(redis, prefix).await, node_of(redis, prefix).await];
        let (ann, bob) = (service.connect(Some("ann")).await, others[0].connect(Some("bob")).await);
        let app = App::connect(&others[1], "persistent", ConnectionKind::Weak).await;
        Self::of(service, others, ann, bob, app).await
    }

    async fn of(
        service: Running,
        others: Vec<Running>,
        ann: Client,
        bob: Client,
        app: App,
    ) -> Self {
        let scene = format!("/api/v1/hubs/chat/groups/g/connections/{}", ann.id);
        assert!(service.status(Method::PUT, &scene).await.is_success());
        let as_a_user = "/api/v1/hubs/chat/groups/u/users/ann";
        assert!(service.status(Method::PUT, as_a_user).await.is_success());
        Self { service, _others: others, ann, bob, app }
    }

    /// The effect of what was done, seen by REST.
    async fn effect(mut self, status: Option<bool>) -> Effect {
        for group in ["g", "u", "new"] {
            let path = format!("/api/v1/hubs/chat/groups/{group}");
            self.service.send(&path, json!([format!("in {group}")])).await;
        }
        self.service.broadcast(json!(["end"])).await;
        let mut groups = Vec::new();
        let mut received = [Vec::new(), Vec::new()];
        for (client, messages) in [&mut self.ann, &mut self.bob].into_iter().zip(&mut received) {
            loop {
                let message = client.next().await;
                if message["type"] == 7 {
                    messages.push(format!("closed: {}", message["error"]));
                    break;
                }
                match message["arguments"][0].as_str() {
                    Some("end") => break,
                    Some("in g") => groups.push("g"),
                    Some("in u") => groups.push("u"),
                    Some("in new") => groups.push("new"),
                    _ => messages.push(message.to_string()),
                }
            }
        }
        (status, received, groups)
    }
}

/// One thing to do: how REST does it, and the message that does the same. `{ann}` and `{bob}` stand for
/// their connection ids.
struct Row {
    method: Method,
    path: &'static str,
    body: Option<Value>,
    message: fn(ann: String, bob: String) -> Message,
}

fn row(
    method: Method,
    path: &'static str,
    message: fn(ann: String, bob: String) -> Message,
) -> Row {
    let is_send = method == Method::POST && !path.contains("$") && !path.contains("close");
    let body = is_send.then(|| json!({ "target": "m", "arguments": ["hello"] }));
    Row { method, path, body, message }
}

fn none() -> Extensions {
    Extensions::default()
}

fn hello() -> signalr_server_protocol::Payloads {
    payloads("hello")
}

fn rows() -> Vec<Row> {
    use Method as M;
    vec![
        row(M::POST, "", |_, _| {
            BroadcastData { excluded: vec![], payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "?excluded={ann}", |ann, _| {
            BroadcastData { excluded: vec![ann], payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "/connections/{ann}", |ann, _| {
            let connection_ids = vec![ann];
            MultiConnectionData { connection_ids, payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "/connections/nobody", |_, _| {
            let connection_ids = vec!["nobody".into()];
            MultiConnectionData { connection_ids, payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "/users/ann", |_, _| {
            UserData { user_id: "ann".into(), payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "v1-preview/users/ann,bob", |_, _| {
            let user_ids = vec!["ann".into(), "bob".into()];
            MultiUserData { user_ids, payloads: hello(), extensions: none() }.into()
        }),
        row(M::POST, "/groups/g", |_, _| group("g", vec![])),
        row(M::POST, "/groups/u", |_, _| group("u", vec![])),
        row(M::POST, "/groups/g?excluded={ann}", |ann, _| group("g", vec![ann])),
        row(M::POST, "v1-preview/groups/g,u,nobody's", |_, _| {
            let groups = vec!["g".into(), "u".into(), "nobody's".into()];
            MultiGroupBroadcastData { groups, payloads: hello(), extensions: none() }.into()
        }),
        row(M::PUT, "/groups/new/connections/{ann}", |ann, _| join(ann, "new")),
        row(M::PUT, "/groups/g/connections/{ann}", |ann, _| join(ann, "g")),
        row(M::PUT, "/groups/new/connections/nobody", |_, _| join("nobody".into(), "new")),
        row(M::PUT, "/groups/new/connections/{ann}", |ann, _| {
            JoinGroup { connection_id: ann, group: "new".into(), extensions: none() }.into()
        }),
        row(M::DELETE, "/groups/g/connections/{ann}", |ann, _| leave(ann, Some("g"))),
        row(M::DELETE, "/groups/g/connections/nobody", |_, _| leave("nobody".into(), Some("g"))),
        row(M::DELETE, "/groups/g/connections/{ann}", |ann, _| {
            LeaveGroup { connection_id: ann, group: Some("g".into()), extensions: none() }.into()
        }),
        row(M::DELETE, "/connections/{ann}/groups", |ann, _| leave(ann, None)),
        row(M::PUT, "/users/ann/groups/new", |_, _| {
            let (user_id, group) = ("ann".into(), "new".into());
            UserJoinGroupWithAck { user_id, group, ack_id: 7, extensions: none() }.into()
        }),
        row(M::PUT, "/users/nobody/groups/new?ttl=60", |_, _| {
            let (user_id, group) = ("nobody".into(), "new".into());
            let extensions = Extensions { ttl: Some(60), ..none() };
            UserJoinGroupWithAck { user_id, group, ack_id: 7, extensions }.into()
        }),
        row(M::PUT, "/users/ann/groups/new", |_, _| {
            let (user_id, group) = ("ann".into(), "new".into());
            UserJoinGroup { user_id, group, extensions: none() }.into()
        }),
        row(M::DELETE, "/users/ann/groups/u", |_, _| {
            let (user_id, group) = ("ann".into(), Some("u".into()));
            UserLeaveGroupWithAck { user_id, group, ack_id: 7, extensions: none() }.into()
        }),
        row(M::DELETE, "/users/ann/groups", |_, _| {
            let user_id = "ann".into();
            UserLeaveGroupWithAck { user_id, group: None, ack_id: 7, extensions: none() }.into()
        }),
        row(M::DELETE, "/users/ann/groups/u", |_, _| {
            let (user_id, group) = ("ann".into(), Some("u".into()));
            UserLeaveGroup { user_id, group, extensions: none() }.into()
        }),
        row(M::HEAD, "/users/ann/groups/u", |_, _| in_group("ann", "u")),
        row(M::HEAD, "/users/ann/groups/new", |_, _| in_group("ann", "new")),
        row(M::HEAD, "/groups/g", |_, _| {
            CheckGroupExistenceWithAck { group: "g".into(), ack_id: 7, extensions: none() }.into()
        }),
        row(M::HEAD, "/groups/new", |_, _| {
            CheckGroupExistenceWithAck { group: "new".into(), ack_id: 7, extensions: none() }.into()
        }),
        row(M::HEAD, "/connections/{bob}", |_, bob| connection_exists(bob)),
        row(M::HEAD, "/connections/nobody", |_, _| connection_exists("nobody".into())),
        row(M::HEAD, "/users/bob", |_, _| user_exists("bob")),
        row(M::HEAD, "/users/nobody", |_, _| user_exists("nobody")),
        row(M::DELETE, "/connections/{ann}?reason=why", |connection_id, _| {
            let (error, headers) = ("why".into(), Headers::default());
            CloseConnection { connection_id, error, headers, extensions: none() }.into()
        }),
        row(M::DELETE, "/connections/{ann}?reason=why", |connection_id, _| {
            let reason = Some("why".into());
            CloseConnectionWithAck { connection_id, reason, ack_id: 7, extensions: none() }.into()
        }),
        row(M::DELETE, "/connections/nobody", |_, _| {
            let (connection_id, reason) = ("nobody".into(), None);
            CloseConnectionWithAck { connection_id, reason, ack_id: 7, extensions: none() }.into()
        }),
        row(M::POST, "/:closeConnections?excluded={bob}&reason=why", |_, bob| {
            let (reason, excluded) = (Some("why".into()), vec![bob]);
            CloseConnectionsWithAck { reason, ack_id: 7, excluded, extensions: none() }.into()
        }),
        row(M::POST, "/users/bob/:closeConnections", |_, _| {
            let (user_id, excluded) = ("bob".into(), vec![]);
            let (reason, extensions) = (None, none());
            CloseUserConnectionsWithAck { user_id, reason, ack_id: 7, excluded, extensions }.into()
        }),
        row(M::POST, "/groups/u/:closeConnections?reason=why", |_, _| {
            let (group, excluded) = ("u".into(), vec![]);
            let (reason, extensions) = (Some("why".into()), none());
            CloseGroupConnectionsWithAck { group, reason, ack_id: 7, excluded, extensions }.into()
        }),
    ]
}

fn group(name: &str, excluded: Vec<String>) -> Message {
    GroupBroadcastData {
        group: name.into(),
        excluded,
        payloads: hello(),
        extensions: none(),
        excluded_users: vec![],
        caller_user_id: None,
    }
    .into()
}

fn join(connection_id: String, group: &str) -> Message {
    JoinGroupWithAck { connection_id, group: group.into(), ack_id: 7, extensions: none() }.into()
}

fn leave(connection_id: String, group: Option<&str>) -> Message {
    let group = group.map(str::to_owned);
    LeaveGroupWithAck { connection_id, group, ack_id: 7, extensions: none() }.into()
}

fn in_group(user: &str, group: &str) -> Message {
    let (user_id, group) = (user.into(), group.into());
    CheckUserInGroupWithAck { user_id, group, ack_id: 7, extensions: none() }.into()
}

fn connection_exists(connection_id: String) -> Message {
    CheckConnectionExistenceWithAck { connection_id, ack_id: 7, extensions: none() }.into()
}

fn user_exists(user: &str) -> Message {
    CheckUserExistenceWithAck { user_id: user.into(), ack_id: 7, extensions: none() }.into()
}

async fn by_rest(row: &Row) -> Effect {
    let scene = Scene::new().await;
    let path = row.path.replace("{ann}", &scene.ann.id).replace("{bob}", &scene.bob.id);
    let sign = if path.contains('?') { '&' } else { '?' };
    // The sends of the newest version end with `/:send`; sends to lists are in the oldest one only.
    let path = match (path.strip_prefix("v1-preview"), &row.body, path.split_once('?')) {
        (Some(lists), ..) => format!("/api/v1-preview/hub/chat{lists}"),
        (None, Some(_), Some((path, query))) => {
            format!("/api/hubs/chat{path}/:send?{query}&api-version=2024-12-01")
        }
        (None, Some(_), None) => format!("/api/hubs/chat{path}/:send?api-version=2024-12-01"),
        (None, None, _) => format!("/api/hubs/chat{path}{sign}api-version=2024-12-01"),
    };
    let request = scene.service.call(row.method.clone(), &path);
    let request = match &row.body {
        Some(body) => request.json(body),
        None => request,
    };
    let status = request.send().await.unwrap().status();
    assert!(status.is_success() || status == 404, "{path}: {status}");
    scene.effect(Some(status.is_success())).await
}

async fn by_message(row: &Row, mut scene: Scene) -> Effect {
    let message = (row.message)(scene.ann.id.clone(), scene.bob.id.clone());
    let has_ack = format!("{message:?}").contains("ack_id: 7");
    scene.app.send(message).await;
    // The answer to a question behind it says that it was taken.
    let fence = CheckUserExistenceWithAck { user_id: "ann".into(), ack_id: 99, extensions: none() };
    scene.app.send(fence).await;
    let (mut status, mut is_taken) = (None, false);
    while !is_taken || (has_ack && status.is_none()) {
        match scene.app.ack().await {
            (7, answer) => status = Some(answer == AckStatus::Ok),
            (99, _) => is_taken = true,
            other => panic!("{other:?}"),
        }
    }
    scene.effect(status).await
}

fn check(row: &Row, by_rest: Effect, by_message: Effect) {
    let name = format!("{} {}", row.method, row.path);
    assert_eq!(by_rest.1, by_message.1, "{name}: what clients get");
    assert_eq!(by_rest.2, by_message.2, "{name}: the groups");
    if let Some(status) = by_message.0 {
        assert_eq!(by_rest.0, Some(status), "{name}: the status");
    }
}

#[tokio::test]
async fn each_message_does_what_its_twin_of_rest_does() {
    for row in rows() {
        let by_message = async { by_message(&row, Scene::new().await).await };
        let (by_rest, by_message) = tokio::join!(by_rest(&row), by_message);
        check(&row, by_rest, by_message);
    }
}

#[tokio::test]
async fn each_message_does_the_same_from_another_node() {
    let redis = Redis::start().await;
    for (number, row) in rows().iter().enumerate() {
        let scene = Scene::of_cluster(&redis, &format!("row{number}")).await;
        let (by_rest, by_message) = tokio::join!(by_rest(row), by_message(row, scene));
        check(row, by_rest, by_message);
    }
}
