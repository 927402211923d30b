//! Clients that negotiate with one node and connect to another.

use std::time::{Duration, SystemTime};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalr_serverless::{NegotiateOptions, Token};

use crate::{
    client::{Client, Running, in_time, key, refusal},
    nodes::node,
    redis::Redis,
};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// Makes requests of one client, each to a node of its own.
struct Requests<'a> {
    nodes: [&'a Running; 2],
    token: String,
}

impl Requests<'_> {
    async fn to(&self, node: usize, method: Method, body: &'static str) -> reqwest::Response {
        let node = self.nodes[node];
        let path = format!("/client/?hub=chat&id={}", self.token);
        let request = node.http(method, &path).bearer_auth(node.client_token("chat", None));
        request.body(body).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_client_negotiates_with_one_node_and_connects_to_another() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let negotiation = a.negotiate("chat", Some("ann")).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    let url = b.connect_url("chat", Some("ann"), token);
    let mut ann = Client::open(&url).await;
    ann.shake_hands().await;
    a.broadcast(json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
    for node in [&a, &b] {
        let again = refusal(&node.connect_url("chat", Some("ann"), token)).await;
        assert_eq!(again.0, 409, "{again:?}");
        let other = refusal(&node.connect_url("chat", Some("bob"), token)).await;
        assert_eq!(other.0, 403, "{other:?}");
    }
    let id = negotiation["connectionId"].as_str().unwrap();
    let path = format!("/api/v1/hubs/chat/connections/{id}");
    assert_eq!(a.status(Method::GET, &path).await, StatusCode::OK);
}

/// Only one of many that try at once gets the connection.
#[tokio::test]
async fn a_token_is_used_once_in_the_cluster() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    for _ in 0..20 {
        let negotiation = a.negotiate("chat", None).await;
        let token = negotiation["connectionToken"].as_str().unwrap();
        let urls = [&a, &b].map(|node| node.connect_url("chat", None, token));
        let tries =
            urls.map(|url| async move { tokio_tungstenite::connect_async(url).await.is_ok() });
        let [one, other] = tries;
        let (one, other) = tokio::join!(one, other);
        assert!(one ^ other, "{one} {other}");
    }
}

/// Polls, posts and the end of a client that reaches another node each time.
#[tokio::test]
async fn polls_and_posts_find_their_connection() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let negotiation = a.negotiate("chat", None).await;
    let token = negotiation["connectionToken"].as_str().unwrap().to_owned();
    let client = Requests { nodes: [&a, &b], token };
    let first = client.to(1, Method::GET, "").await;
    assert_eq!((first.status(), first.text().await.unwrap().as_str()), (StatusCode::OK, ""));
    let posted = client.to(0, Method::POST, HANDSHAKE).await;
    assert_eq!(posted.status(), StatusCode::OK);
    let answered = client.to(0, Method::GET, "").await.text().await.unwrap();
    assert_eq!(answered, "{}\u{1e}");
    for number in 0..20_usize {
        let (polled, ()) =
            tokio::join!(client.to(number % 2, Method::GET, ""), a.broadcast(json!([number])));
        let text = polled.text().await.unwrap();
        let message: Value = serde_json::from_str(text.trim_end_matches('\u{1e}')).unwrap();
        assert_eq!(message["arguments"], json!([number]));
    }
    assert_eq!(client.to(0, Method::DELETE, "").await.status(), StatusCode::ACCEPTED);
    let gone = client.to(0, Method::GET, "").await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND, "{}", gone.text().await.unwrap());
    assert_eq!(client.to(1, Method::POST, HANDSHAKE).await.status(), StatusCode::NOT_FOUND);
}

/// A poll whose client went away takes no message with it.
#[tokio::test]
async fn a_poll_that_is_given_up_takes_no_message() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let negotiation = a.negotiate("chat", None).await;
    let token = negotiation["connectionToken"].as_str().unwrap().to_owned();
    let client = Requests { nodes: [&a, &b], token };
    client.to(1, Method::GET, "").await;
    client.to(1, Method::POST, HANDSHAKE).await;
    client.to(1, Method::GET, "").await;
    let poll = client.to(0, Method::GET, "");
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(300), poll).await;
    assert!(given_up.is_err(), "nothing was there to come");
    // The owner has heard of it when it has carried out what was sent behind it.
    assert!(a.status(Method::GET, "/api/v1/hubs/chat/users/nobody").await.is_client_error());
    a.broadcast(json!(["kept"])).await;
    let text = client.to(0, Method::GET, "").await.text().await.unwrap();
    assert!(text.contains("kept"), "{text}");
}

#[tokio::test]
async fn a_client_without_a_token_has_its_id_for_one() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let request = a.http(Method::POST, "/client/negotiate?hub=chat");
    let request = request.bearer_auth(a.client_token("chat", None));
    let negotiation: Value = request.send().await.unwrap().json().await.unwrap();
    let id = negotiation["connectionId"].as_str().unwrap();
    let mut client = Client::open(&b.connect_url("chat", None, id)).await;
    client.shake_hands().await;
    a.send(&format!("/api/v1/hubs/chat/connections/{id}"), json!([1])).await;
    assert_eq!(client.arguments().await, json!([1]));
}

/// The token is over, and each request reaches the node that does not own the connection.
#[tokio::test]
async fn polls_with_a_token_that_is_over_are_judged_by_their_owner() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let short = |closes: bool| {
        NegotiateOptions::default()
            .with_lifetime(Duration::from_secs(4))
            .with_close_on_expiry(closes)
    };
    let begin = async |options: &NegotiateOptions| {
        let tokens = [&a, &b].map(|node| {
            let audience = format!("http://{}/client/?hub=chat", node.host);
            let token = Token::client(&key(), &audience, options, SystemTime::now());
            token.unwrap().as_str().to_owned()
        });
        let path = "/client/negotiate?hub=chat&negotiateVersion=1";
        let request = a.http(Method::POST, path).bearer_auth(&tokens[0]);
        let negotiation: Value = request.send().await.unwrap().json().await.unwrap();
        let id = negotiation["connectionToken"].as_str().unwrap().to_owned();
        (tokens, id)
    };
    let request = async |node: usize, (tokens, id): &([String; 2], String), body: &'static str| {
        let method = if body.is_empty() { Method::GET } else { Method::POST };
        let request = [&a, &b][node].http(method, &format!("/client/?hub=chat&id={id}"));
        let answer = request.bearer_auth(&tokens[node]).body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (renewed, closed, refused) =
        (begin(&short(true)).await, begin(&short(true)).await, begin(&short(false)).await);
    for client in [&renewed, &closed, &refused] {
        request(1, client, "").await;
        request(1, client, HANDSHAKE).await;
        assert_eq!(request(1, client, "").await.1, "{}\u{1e}");
    }
    let path = "/api/hubs/chat/connections/:refreshAuth?api-version=2026-07-01";
    let body = json!({ "connectionToken": renewed.1, "expireTime": "9999-12-31T00:00:00Z" });
    let answer = a.call(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);

    let close = request(0, &closed, "").await;
    let negotiate = async |token: &str| {
        let path = "/client/negotiate?hub=chat&negotiateVersion=1";
        a.http(Method::POST, path).bearer_auth(token).send().await.unwrap().status()
    };
    for (tokens, _) in [&renewed, &refused] {
        in_time(async { while negotiate(&tokens[0]).await.is_success() {} }).await;
    }
    assert!(close.1.contains("the client's login has ended"), "{close:?}");
    let posted = request(0, &renewed, "{\"type\":6}\u{1e}").await;
    assert_eq!(posted.0, StatusCode::OK, "{posted:?}");
    let (polled, ()) = tokio::join!(request(0, &renewed, ""), a.broadcast(json!(["still"])));
    assert!(polled.1.contains("still"), "{polled:?}");
    for body in ["", "{\"type\":6}\u{1e}"] {
        let (status, text) = request(0, &refused, body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{text}");
        assert!(text.contains("the access token expired"), "{text}");
    }
}

/// A login is renewed at the node that the client reached.
#[tokio::test]
async fn a_client_renews_its_login_at_another_node() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let ann = b.connect(Some("ann")).await;
    for (user, id, status) in [
        ("ann", &*ann.connection_token, 200),
        ("bob", &ann.connection_token, 403),
        ("ann", &ann.id, 404),
    ] {
        let path = format!("/client/refresh?hub=chat&id={id}");
        let request = a.http(Method::POST, &path);
        let answer = request.bearer_auth(a.client_token("chat", Some(user))).send().await.unwrap();
        assert_eq!(answer.status(), status, "{user} {id}");
    }
}
