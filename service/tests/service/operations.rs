//! Every operation in every version by every method and path, as `operations.json` has them: the
//! status, the body, the effect, and who received what.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use signalr_serverless::{AccessKey, NegotiateOptions, Token};
use tokio::time::{Instant, timeout};

use crate::{
    client::{Client, Running, in_time, start},
    nodes::node_of,
    redis::Redis,
};

const OPERATIONS: &str = include_str!("../../../shared/tests/operations.json");

/// One way to call an operation.
struct Way {
    operation: String,
    version: String,
    method: Method,
    path: String,
    status: u16,
}

/// Every method and path order of every version of every operation.
fn ways() -> Vec<Way> {
    let all: Value = serde_json::from_str(OPERATIONS).unwrap();
    let mut ways = Vec::new();
    for operation in all["operations"].as_array().unwrap() {
        for (version, route) in operation["versions"].as_object().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let also: Vec<String> =
                route["also"].as_array().into_iter().flatten().map(text).collect();
            let (pairs, also): (Vec<String>, Vec<String>) =
                also.into_iter().partition(|one| one.contains(' '));
            let (mut paths, mut methods): (Vec<String>, Vec<String>) =
                also.into_iter().partition(|one| one.starts_with('/'));
            paths.push(text(&route["path"]));
            methods.push(text(&route["method"]));
            let each = paths.iter().flat_map(|path| methods.iter().map(move |it| (&**it, &**path)));
            for (method, path) in each.chain(pairs.iter().filter_map(|one| one.split_once(' '))) {
                ways.push(Way {
                    operation: text(&operation["operation"]),
                    version: version.clone(),
                    method: method.parse().unwrap(),
                    path: path.to_owned(),
                    status: route["status"].as_u64().unwrap() as u16,
                });
            }
        }
    }
    ways
}

/// A service with two clients. Ann is in the group `g` by herself and in `u` as a user; Bob is
/// nowhere.
struct Scene {
    /// Where callers call.
    service: Running,
    /// Where Ann and Bob are, if not there.
    others: Vec<Running>,
    ann: Client,
    bob: Client,
}

impl Scene {
    async fn new(cluster: Option<&Redis>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut others = Vec::new();
        let service = match cluster {
            None => start().await,
            Some(redis) => {
                let prefix = format!("scene{}", COUNT.fetch_add(1, Ordering::SeqCst));
                for _ in 0..2 {
                    others.push(node_of(redis, &prefix).await);
                }
                node_of(redis, &prefix).await
            }
        };
        let ann = others.first().unwrap_or(&service).connect(Some("ann")).await;
        let bob = others.last().unwrap_or(&service).connect(Some("bob")).await;
        let by_herself = format!("/api/v1/hubs/chat/groups/g/connections/{}", ann.id);
        assert!(service.status(Method::PUT, &by_herself).await.is_success());
        let as_a_user = "/api/v1/hubs/chat/groups/u/users/ann";
        assert!(service.status(Method::PUT, as_a_user).await.is_success());
        Self { service, others, ann, bob }
    }

    async fn call(&self, way: &Way, query: &str, body: Option<Value>) -> Response {
        let group = if way.operation.starts_with("add_") {
            "new"
        } else if way.operation.contains("user_") && way.operation.contains("group") {
            "u"
        } else {
            "g"
        };
        let path = way
            .path
            .replace("{hub}", "chat")
            .replace("{groups}", "g,elsewhere")
            .replace("{group}", group)
            .replace("{users}", "ann,nobody")
            .replace("{user}", "ann")
            .replace("{connectionId}", &self.ann.id)
            .replace("{streamId}", "7");
        let version = match way.version.as_str() {
            "v1" | "v1-preview" => "v=1".to_owned(),
            version => format!("API-Version={version}"),
        };
        let request = self.service.call(way.method.clone(), &format!("{path}?{version}{query}"));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), way.status, "{way}");
        response
    }

    /// What each client got until a message that both get.
    async fn received(&mut self) -> [Vec<Value>; 2] {
        self.service.broadcast(json!(["end"])).await;
        let mut received = [Vec::new(), Vec::new()];
        for (client, messages) in [&mut self.ann, &mut self.bob].into_iter().zip(&mut received) {
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

    async fn ann_is_in(&mut self, group: &str) -> bool {
        self.service.send(&format!("/api/v1/hubs/chat/groups/{group}"), json!([group])).await;
        let [ann, bob] = self.received().await;
        assert!(bob.is_empty(), "{bob:?}");
        !ann.is_empty()
    }

    /// A node that is not the callers', if there is one.
    fn other(&self) -> &Running {
        self.others.first().unwrap_or(&self.service)
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {} {}", self.version, self.operation, self.method, self.path)
    }
}

async fn connect_with(node: &Running, token: &str) -> Client {
    let host = &node.host;
    let url = format!("ws://{host}/client/?hub=chat&access_token={token}");
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    client
}

async fn check_body(way: &Way, response: Response) {
    let body = response.text().await.unwrap();
    let has_body = way.version.starts_with("20")
        && way.status != 204
        && way.method != Method::HEAD
        && way.operation != "health";
    if has_body {
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["isSuccess"], true, "{way}: {body}");
        assert_eq!(body["statusCode"], way.status, "{way}: {body}");
    } else {
        assert_eq!(body, "", "{way}");
    }
}

async fn check(way: &Way, cluster: Option<&Redis>) {
    let mut scene = Scene::new(cluster).await;
    let invocation = json!({ "type": 1, "target": "m", "arguments": [1] });
    let message = Some(json!({ "target": "m", "arguments": [1] }));
    match way.operation.as_str() {
        "broadcast" => {
            check_body(way, scene.call(way, "", message.clone()).await).await;
            let excluded = format!("&Excluded={}", scene.ann.id);
            scene.call(way, &excluded, message).await;
            let expected = [vec![invocation.clone()], vec![invocation.clone(), invocation]];
            assert_eq!(scene.received().await, expected, "{way}");
        }
        "send_to_user" | "send_to_users" | "send_to_group" | "send_to_groups"
        | "send_to_connection" => {
            check_body(way, scene.call(way, "", message).await).await;
            assert_eq!(scene.received().await, [vec![invocation], vec![]], "{way}");
        }
        "invoke_connection" => {
            let answer = async |client: &mut Client| {
                let call = client.next().await;
                let id = call["invocationId"].clone();
                client
                    .send(&json!({ "type": 3, "invocationId": id, "result": [call["arguments"]] }))
                    .await;
            };
            let other = scene.other().connect(None).await;
            let mut ann = std::mem::replace(&mut scene.ann, other);
            std::mem::swap(&mut scene.ann.id, &mut ann.id);
            let (response, ()) = tokio::join!(scene.call(way, "", message), answer(&mut ann));
            assert_eq!(response.json::<Value>().await.unwrap(), json!({ "result": [[1]] }));
        }
        "send_stream_item" => {
            check_body(way, scene.call(way, "", Some(json!({ "x": 1 }))).await).await;
            scene.call(way, "&completed=true", Some(json!(null))).await;
            let expected = vec![
                json!({ "type": 2, "invocationId": "7", "item": { "x": 1 } }),
                json!({ "type": 2, "invocationId": "7", "item": null }),
                json!({ "type": 3, "invocationId": "7" }),
            ];
            assert_eq!(scene.received().await, [expected, vec![]]);
        }
        "complete_stream" => {
            check_body(way, scene.call(way, "", None).await).await;
            scene.call(way, "&reason=no%20more", None).await;
            let expected = vec![
                json!({ "type": 3, "invocationId": "7" }),
                json!({ "type": 3, "invocationId": "7", "error": "no more" }),
            ];
            assert_eq!(scene.received().await, [expected, vec![]]);
        }
        "connection_exists" | "group_exists" | "user_exists" | "user_in_group" => {
            check_body(way, scene.call(way, "", None).await).await;
            assert!(scene.received().await.iter().all(Vec::is_empty), "{way}");
        }
        "close_connection" | "close_group_connections" | "close_user_connections" => {
            check_body(way, scene.call(way, "&reason=home", None).await).await;
            let close = json!({ "type": 7, "error": "home", "allowReconnect": true });
            assert_eq!(scene.ann.closed().await, close, "{way}");
            scene.service.broadcast(json!(["bob"])).await;
            assert_eq!(scene.bob.arguments().await, json!(["bob"]), "{way}");
        }
        "close_hub_connections" => {
            let spared = format!("&reason=home&excluded={}", scene.bob.id);
            check_body(way, scene.call(way, &spared, None).await).await;
            assert_eq!(scene.ann.closed().await["error"], "home");
            scene.service.broadcast(json!(["bob"])).await;
            assert_eq!(scene.bob.arguments().await, json!(["bob"]));
        }
        "add_connection_to_group" | "add_user_to_group" => {
            assert!(!scene.ann_is_in("new").await);
            check_body(way, scene.call(way, "", None).await).await;
            assert!(scene.ann_is_in("new").await, "{way}");
        }
        "remove_connection_from_group" | "remove_connection_from_all_groups" => {
            check_body(way, scene.call(way, "", None).await).await;
            assert!(!scene.ann_is_in("g").await, "{way}");
            assert_eq!(scene.ann_is_in("u").await, !way.operation.contains("all"), "{way}");
        }
        "remove_user_from_group" | "remove_user_from_all_groups" => {
            check_body(way, scene.call(way, "", None).await).await;
            assert!(!scene.ann_is_in("u").await, "{way}");
            assert!(scene.ann_is_in("g").await, "{way}");
        }
        "list_group_connections" => {
            let list: Value = scene.call(way, "", None).await.json().await.unwrap();
            let member = json!({ "connectionId": scene.ann.id, "userId": "ann" });
            assert_eq!(list, json!({ "value": [member] }));
        }
        "execute" => {
            let commands = json!([
                { "type": "JoinGroup", "group": "new" },
                { "type": "SendMessage", "message": { "target": "m", "arguments": [1] } },
                { "type": "LeaveGroup", "group": "g" },
            ]);
            let filter = "&filter=startswith(userId,%20'a')%20and%20not%20('new'%20in%20groups)";
            check_body(way, scene.call(way, filter, Some(commands)).await).await;
            assert_eq!(scene.received().await, [vec![invocation], vec![]]);
            assert!(scene.ann_is_in("new").await && !scene.ann_is_in("g").await);
            let close = json!([{ "type": "CloseConnection", "reason": "home" }]);
            scene.call(way, "", Some(close)).await;
            for client in [&mut scene.ann, &mut scene.bob] {
                assert_eq!(client.closed().await["error"], "home");
            }
        }
        "refresh_auth" => {
            let body = json!({
                "connectionToken": scene.ann.connection_token,
                "expireTime": "9999-12-31T23:59:59.9999999+00:00",
                "claims": [{ "type": "role", "value": "b" }],
            });
            let answer: Value = scene.call(way, "", Some(body)).await.json().await.unwrap();
            let expected = [("asrs.s.uid", "ann"), ("role", "b")]
                .map(|(kind, value)| json!({ "type": kind, "value": value }));
            assert_eq!(answer, json!({ "claims": expected }), "{way}");
        }
        "get_connection_claims" => {
            let body = json!({ "connectionToken": scene.ann.connection_token });
            let answer: Value = scene.call(way, "", Some(body)).await.json().await.unwrap();
            let expected = json!([{ "type": "asrs.s.uid", "value": "ann" }]);
            assert_eq!(answer, json!({ "claims": expected }), "{way}");
        }
        "generate_token" => {
            let query = "&userId=carl&minutesToExpire=2";
            let answer: Value = scene.call(way, query, None).await.json().await.unwrap();
            let _carl = connect_with(&scene.service, answer["token"].as_str().unwrap()).await;
            let carl = scene.service.status(Method::GET, "/api/v1/hubs/chat/users/carl").await;
            assert!(carl.is_success());
        }
        "access_key" => {
            let answer: Value = scene.call(way, "", None).await.json().await.unwrap();
            assert!(answer["KeyId"].is_string());
            let key = AccessKey::parse(answer["AccessKey"].as_str().unwrap()).unwrap();
            let audience = format!("http://{}/client/?hub=chat", scene.other().host);
            let options = NegotiateOptions::default();
            let token = Token::client(&key, &audience, &options, SystemTime::now()).unwrap();
            connect_with(scene.other(), token.as_str()).await;
        }
        "health" => check_body(way, scene.call(way, "", None).await).await,
        other => panic!("'{other}' is not tested"),
    }
}

#[tokio::test]
async fn every_way_to_call_every_operation_does_what_it_should() {
    let ways = ways();
    assert_eq!(ways.len(), 147, "ways to call 30 operations in seven versions");
    for way in ways {
        check(&way, None).await;
    }
}

/// The same if anyone who calls reaches another node than the clients.
#[tokio::test]
async fn every_way_does_the_same_through_another_node() {
    let redis = Redis::start().await;
    for way in ways() {
        check(&way, Some(&redis)).await;
    }
}

impl Scene {
    /// A body that the operation takes, if it needs one.
    fn body(&self, operation: &str) -> Option<Value> {
        match operation {
            "broadcast" | "invoke_connection" => Some(json!({ "target": "m", "arguments": [1] })),
            "send_stream_item" => Some(json!(1)),
            "execute" => Some(json!([{ "type": "CloseConnection" }])),
            "refresh_auth" | "get_connection_claims" => Some(json!({
                "connectionToken": self.ann.connection_token,
                "expireTime": "9999-12-31T23:59:59.9999999+00:00",
            })),
            _ if operation.starts_with("send_to_") => self.body("broadcast"),
            _ => None,
        }
    }
}

/// The ways that concern other nodes.
fn ways_across_nodes() -> impl Iterator<Item = Way> {
    let of_one_node = ["health", "access_key", "generate_token"];
    ways().into_iter().filter(move |way| !of_one_node.contains(&&*way.operation))
}

#[tokio::test]
async fn each_operation_across_nodes_is_refused_at_once_while_the_broker_is_away() {
    let mut redis = Redis::start().await;
    let scene = Scene::new(Some(&redis)).await;
    redis.kill();
    in_time(async {
        while scene.service.http(Method::GET, "/ready").send().await.unwrap().status() == 200 {}
    })
    .await;
    for way in ways_across_nodes() {
        let refused = Way { status: 503, ..way };
        let begin = Instant::now();
        let response = scene.call(&refused, "", scene.body(&refused.operation)).await;
        assert!(response.headers().contains_key("retry-after"), "{refused}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{refused}");
    }
}

/// The broker does not answer, and its connections stay open.
#[tokio::test]
async fn no_operation_waits_for_a_broker_that_does_not_answer() {
    let redis = Redis::start().await;
    let scene = Scene::new(Some(&redis)).await;
    let calls = ways_across_nodes().filter(|way| way.version == "2026-07-01").map(|way| {
        let path = way
            .path
            .replace("{hub}", "chat")
            .replace("{groups}", "g,elsewhere")
            .replace("{group}", "g")
            .replace("{users}", "ann,nobody")
            .replace("{user}", "ann")
            .replace("{connectionId}", &scene.ann.id)
            .replace("{streamId}", "7");
        let path = format!("{path}?api-version={}", way.version);
        let request = scene.service.call(way.method.clone(), &path);
        let request = match scene.body(&way.operation) {
            Some(body) => request.json(&body),
            None => request,
        };
        async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            // A command that was taken before the service noticed it is lost, as after a crash.
            assert!(status == 503 || status == way.status, "{way}: {status}");
            assert_eq!(status == 503, response.headers().contains_key("retry-after"), "{way}");
        }
    });
    let calls: Vec<_> = calls.collect();
    assert!(calls.len() > 20);
    assert_eq!(redis.ask(&["CLIENT", "PAUSE", "60000", "ALL"]), "OK");
    timeout(Duration::from_secs(15), join_all(calls)).await.expect("an operation waits");
}

#[tokio::test]
async fn what_is_absent_has_the_published_code() {
    let all: Value = serde_json::from_str(OPERATIONS).unwrap();
    let codes = all["error_codes_on_404"].as_object().unwrap();
    let service = start().await;
    let _bob = service.connect(Some("bob")).await;
    let ways: Vec<Way> =
        ways().into_iter().filter(|way| codes.contains_key(&way.operation)).collect();
    assert!(ways.len() > 20, "only {} ways", ways.len());
    for way in ways {
        let path = way
            .path
            .replace("{hub}", "chat")
            .replace("{group}", "g")
            .replace("{user}", "ann")
            .replace("{connectionId}", "nobody");
        let path = match way.version.as_str() {
            "v1" => path,
            version => format!("{path}?api-version={version}"),
        };
        let response = service.call(way.method.clone(), &path).send().await.unwrap();
        assert_eq!(response.status(), 404, "{way}");
        let code = response.headers()["x-ms-error-code"].to_str().unwrap().to_owned();
        assert_eq!(codes[&way.operation], code.as_str(), "{way}");
    }
}
