//! Logins that end or are renewed, on each transport.

use std::time::{Duration, SystemTime};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use signalr_serverless::{NegotiateOptions, Token, UserId};

use crate::client::{Client, Running, in_time, key, refusal, start};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
const LOGIN_ENDED: &str =
    "{\"type\":7,\"error\":\"the client's login has ended\",\"allowReconnect\":true}\u{1e}";
/// How many seconds a login lasts whose end is waited for.
const SHORT: u64 = 4;
const NEVER: &str = "9999-12-31T23:59:59.9999999+00:00";
const REFRESH: &str = "/api/hubs/chat/connections/:refreshAuth?api-version=2026-07-01";

/// A client of the hub `chat` that negotiated.
struct Ann<'a> {
    service: &'a Running,
    access_token: String,
    negotiation: Value,
}

fn options(lifetime: u64) -> NegotiateOptions {
    NegotiateOptions::default()
        .with_user_id(UserId::parse("ann").unwrap())
        .with_claim("role", "a")
        .with_lifetime(Duration::from_secs(lifetime))
}

fn token(service: &Running, options: &NegotiateOptions) -> String {
    let audience = format!("http://{}/client/?hub=chat", service.host);
    Token::client(&key(), &audience, options, SystemTime::now()).unwrap().as_str().to_owned()
}

impl<'a> Ann<'a> {
    async fn negotiate(service: &'a Running, options: &NegotiateOptions) -> Self {
        let access_token = token(service, options);
        let path = "/client/negotiate?hub=chat&negotiateVersion=1";
        let request = service.http(Method::POST, path).bearer_auth(&access_token);
        let negotiation = request.send().await.unwrap().json().await.unwrap();
        Self { service, access_token, negotiation }
    }

    fn connection_token(&self) -> &str {
        self.negotiation["connectionToken"].as_str().unwrap()
    }

    async fn request(&self, method: Method, accept: &str, body: &'static str) -> Response {
        let path = format!("/client/?hub=chat&id={}", self.connection_token());
        let request = self.service.http(method, &path).bearer_auth(&self.access_token);
        in_time(request.header("accept", accept).body(body).send()).await.unwrap()
    }

    async fn poll(&self) -> (StatusCode, String) {
        let response = self.request(Method::GET, "*/*", "").await;
        (response.status(), response.text().await.unwrap())
    }

    async fn open_polling(&self) {
        self.poll().await;
        self.request(Method::POST, "*/*", HANDSHAKE).await;
        assert_eq!(self.poll().await.1, "{}\u{1e}");
    }

    async fn open_web_socket(&self) -> Client {
        let (host, id) = (&self.service.host, self.connection_token());
        let url =
            format!("ws://{host}/client/?hub=chat&id={id}&access_token={}", self.access_token);
        let mut client = Client::open(&url).await;
        client.shake_hands().await;
        client
    }

    /// Waits until the access token is over.
    async fn until_token_ends(&self) {
        let path = "/client/negotiate?hub=chat&negotiateVersion=1";
        let negotiate = async || {
            let request = self.service.http(Method::POST, path).bearer_auth(&self.access_token);
            request.send().await.unwrap().status()
        };
        in_time(async { while negotiate().await != StatusCode::UNAUTHORIZED {} }).await;
    }

    async fn renew(&self, renewal: Value) -> (StatusCode, Value) {
        let mut body = json!({ "connectionToken": self.connection_token() });
        body.as_object_mut().unwrap().extend(renewal.as_object().unwrap().clone());
        renew(self.service, &body).await
    }
}

async fn renew(service: &Running, body: &Value) -> (StatusCode, Value) {
    let response = service.call(Method::POST, REFRESH).json(body).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// In so many seconds, as .NET writes it.
fn after(seconds: u64) -> String {
    let time = time::OffsetDateTime::from(SystemTime::now() + Duration::from_secs(seconds));
    time.format(&time::format_description::well_known::Rfc3339).unwrap()
}

#[tokio::test]
async fn each_transport_is_told_that_the_login_ended() {
    let service = start().await;
    let options = options(SHORT).with_close_on_expiry(true);
    let by_socket = async {
        let ann = Ann::negotiate(&service, &options).await;
        let mut socket = ann.open_web_socket().await;
        let expected: Value = serde_json::from_str(LOGIN_ENDED.trim_end_matches('\u{1e}')).unwrap();
        assert_eq!(socket.closed().await, expected);
    };
    let by_events = async {
        let ann = Ann::negotiate(&service, &options).await;
        let mut stream = ann.request(Method::GET, "text/event-stream", "").await;
        ann.request(Method::POST, "*/*", HANDSHAKE).await;
        let mut events = String::new();
        while let Some(chunk) = in_time(stream.chunk()).await.unwrap() {
            events.push_str(str::from_utf8(&chunk).unwrap());
        }
        assert!(events.ends_with(&format!("data: {LOGIN_ENDED}\r\n\r\n")), "{events}");
    };
    let by_polls = async {
        let ann = Ann::negotiate(&service, &options).await;
        ann.open_polling().await;
        assert_eq!(ann.poll().await, (StatusCode::OK, LOGIN_ENDED.to_owned()));
        assert_eq!(ann.poll().await.0, StatusCode::NO_CONTENT);
    };
    tokio::join!(by_socket, by_events, by_polls);
}

#[tokio::test]
async fn a_renewed_login_outlives_the_token_on_each_transport() {
    let service = start().await;
    let options = options(SHORT).with_close_on_expiry(true);
    let (by_socket, by_events, by_polls, old) = (
        Ann::negotiate(&service, &options).await,
        Ann::negotiate(&service, &options).await,
        Ann::negotiate(&service, &options).await,
        Ann::negotiate(&service, &options).await,
    );
    let mut socket = by_socket.open_web_socket().await;
    let mut stream = by_events.request(Method::GET, "text/event-stream", "").await;
    by_events.request(Method::POST, "*/*", HANDSHAKE).await;
    by_polls.open_polling().await;
    let mut not_renewed = old.open_web_socket().await;
    for (ann, end) in [(&by_socket, after(60)), (&by_events, after(60)), (&by_polls, NEVER.into())]
    {
        assert_eq!(ann.renew(json!({ "expireTime": end })).await.0, StatusCode::OK);
    }
    not_renewed.closed().await;
    for ann in [&by_socket, &by_events, &by_polls] {
        ann.until_token_ends().await;
    }
    service.broadcast(json!(["still"])).await;
    assert_eq!(socket.arguments().await, json!(["still"]));
    let ping = "{\"type\":6}\u{1e}";
    for ann in [&by_events, &by_polls] {
        assert_eq!(ann.request(Method::POST, "*/*", ping).await.status(), StatusCode::OK);
    }
    assert!(by_polls.poll().await.1.contains("still"));
    let mut events = String::new();
    while !events.contains("still") {
        let chunk = in_time(stream.chunk()).await.unwrap().unwrap();
        events.push_str(str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(by_polls.request(Method::DELETE, "*/*", "").await.status(), StatusCode::ACCEPTED);
}

/// A client that lost its socket comes back with the token that it has.
#[tokio::test]
async fn a_client_that_lost_its_socket_comes_back_if_its_login_was_renewed() {
    let service = start().await;
    let options = options(SHORT);
    let begin = async || {
        let access_token = token(&service, &options);
        let path = "/client/negotiate?hub=chat&negotiateVersion=1&useStatefulReconnect=true";
        let request = service.http(Method::POST, path).bearer_auth(&access_token);
        let negotiation: Value = request.send().await.unwrap().json().await.unwrap();
        Ann { service: &service, access_token, negotiation }
    };
    let url = |ann: &Ann<'_>| {
        let (host, id) = (&ann.service.host, ann.connection_token());
        format!("ws://{host}/client/?hub=chat&id={id}&access_token={}", ann.access_token)
    };
    let (renewed, not_renewed, late) = (begin().await, begin().await, begin().await);
    for ann in [&renewed, &not_renewed] {
        Client::open(&url(ann)).await.shake_hands().await;
    }
    assert_eq!(renewed.renew(json!({ "expireTime": NEVER })).await.0, StatusCode::OK);
    late.until_token_ends().await;
    let mut client = Client::open(&url(&renewed)).await;
    service.broadcast(json!(["again"])).await;
    loop {
        let message = client.next().await;
        if message["arguments"] == json!(["again"]) {
            break;
        }
    }
    for ann in [&not_renewed, &late] {
        let (status, text) = refusal(&url(ann)).await;
        assert_eq!(status, 401, "{text}");
        assert!(text.contains("the access token expired"), "{text}");
    }
}

#[tokio::test]
async fn an_expired_token_alone_is_refused_with_its_reason() {
    let service = start().await;
    let ann = Ann::negotiate(&service, &options(SHORT)).await;
    let late = Ann::negotiate(&service, &options(SHORT)).await;
    ann.open_polling().await;
    ann.until_token_ends().await;
    late.until_token_ends().await;
    for (who, answer) in [("ann", ann.poll().await), ("late", late.poll().await)] {
        assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{who}: {answer:?}");
        assert!(answer.1.contains("the access token expired"), "{who}: {answer:?}");
    }
    let refused = ann.request(Method::POST, "*/*", "{\"type\":6}\u{1e}").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn what_cannot_be_renewed_is_refused_and_changes_nothing() {
    let service = start().await;
    let ann = Ann::negotiate(&service, &options(60)).await;
    let good = json!({ "connectionToken": ann.connection_token() });
    assert_eq!(renew(&service, &good).await.0, StatusCode::NOT_FOUND, "it is not connected yet");
    let _socket = ann.open_web_socket().await;
    let claims = json!([
        { "type": "role", "value": "a" }, { "type": "asrs.s.uid", "value": "ann" },
    ]);
    let unchanged = (StatusCode::OK, json!({ "claims": claims }));
    assert_eq!(renew(&service, &good).await, unchanged);
    for (renewal, status, target) in [
        (json!({ "claims": [{ "type": "sub", "value": "bob" }] }), 403, None),
        (json!({ "claims": [{ "type": "asrs.s.uid", "value": "" }] }), 403, None),
        (json!({ "claims": [{ "type": "", "value": "a" }] }), 400, Some("claims")),
        (json!({ "claims": [{ "type": "x", "value": "y".repeat(20_000) }] }), 400, Some("claims")),
        (json!({ "claims": [{ "type": "a" }] }), 400, Some("body")),
        (json!({ "claims": { "role": "a" } }), 400, Some("body")),
        (json!({ "expireTime": "2020-01-01T00:00:00Z" }), 400, Some("expireTime")),
        (json!({ "expireTime": "tomorrow" }), 400, Some("expireTime")),
        (json!({ "expireTime": 4_102_444_800_u64 }), 400, Some("body")),
        (json!({ "connectionToken": ann.negotiation["connectionId"] }), 404, None),
        (json!({ "connectionToken": "unknown" }), 404, None),
        (json!({ "connectionToken": "" }), 400, Some("connectionToken")),
        (json!({ "connectionToken": null }), 400, Some("body")),
    ] {
        let (got, error) = ann.renew(renewal.clone()).await;
        assert_eq!(got, status, "{renewal} {error}");
        assert_eq!(error["target"].as_str(), target, "{error}");
        assert!(!error.to_string().contains(ann.connection_token()), "{error}");
    }
    for (path, status) in [
        (REFRESH.replace("/chat/", "/other/"), 404),
        (REFRESH.replace("2026-07-01", "2024-12-01"), 400),
        (REFRESH.replace("2026", "2025"), 400),
        (REFRESH.replace(":refreshAuth", ":getclaims"), 200),
        (REFRESH.replace(":refreshAuth", "claims"), 405),
    ] {
        let response = service.call(Method::POST, &path).json(&good).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    let json = "application/json";
    for (content_type, body) in [(json, ""), (json, "[]"), ("text/plain", "{}")] {
        let call = service.call(Method::POST, REFRESH).header("content-type", content_type);
        let response = call.body(body).send().await.unwrap();
        assert!(response.status().is_client_error(), "{content_type} {body}");
    }
    let stranger = service.http(Method::POST, REFRESH).json(&good).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(renew(&service, &good).await, unchanged);
}

#[tokio::test]
async fn the_public_id_of_an_old_client_is_no_secret() {
    let service = start().await;
    let access_token = token(&service, &options(60));
    let request = service.http(Method::POST, "/client/negotiate?hub=chat");
    let negotiation = request.bearer_auth(&access_token).send().await.unwrap();
    let negotiation: Value = negotiation.json().await.unwrap();
    assert_eq!(negotiation.get("tokenLifetimeSeconds"), None, "{negotiation}");
    let id = negotiation["connectionId"].as_str().unwrap();
    let url = format!("ws://{}/client/?hub=chat&id={id}&access_token={access_token}", service.host);
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    let refused = renew(&service, &json!({ "connectionToken": id })).await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_negotiation_says_how_long_the_login_lasts() {
    let service = start().await;
    let in_ten = SystemTime::now() + Duration::from_secs(10);
    for (options, expected) in [
        (options(3600), 3600),
        (options(60).with_close_on_expiry(true), 60),
        (options(3600).with_authentication_expiry(in_ten), 10),
    ] {
        let negotiation = Ann::negotiate(&service, &options).await.negotiation;
        let seconds = negotiation["tokenLifetimeSeconds"].as_u64().unwrap();
        assert!((expected - 2..=expected).contains(&seconds), "{negotiation}");
    }
}

async fn refresh(service: &Running, query: &str, access_token: &str) -> (u16, Value) {
    let path = format!("/client/refresh?hub=chat{query}");
    let request = service.http(Method::POST, &path).bearer_auth(access_token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_client_renews_its_login_with_another_token() {
    let service = start().await;
    let ann = Ann::negotiate(&service, &options(SHORT).with_close_on_expiry(true)).await;
    let mut socket = ann.open_web_socket().await;
    let old = Ann::negotiate(&service, &options(SHORT).with_close_on_expiry(true)).await;
    let mut old = old.open_web_socket().await;
    let newer = options(60).with_close_on_expiry(true).with_claim("role", "b");
    let id = format!("&id={}", ann.connection_token());
    let (status, answer) = refresh(&service, &id, &token(&service, &newer)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["connectionId"], ann.negotiation["connectionId"]);
    assert!((58..=60).contains(&answer["tokenLifetimeSeconds"].as_u64().unwrap()), "{answer}");
    assert!(answer["refreshedAt"].as_str().unwrap().starts_with("20"), "{answer}");
    old.closed().await;
    ann.until_token_ends().await;
    service.broadcast(json!([1])).await;
    assert_eq!(socket.arguments().await, json!([1]));
    let (_, claims) = ann.renew(json!({})).await;
    let claims = claims["claims"].as_array().unwrap();
    for value in ["a", "b"] {
        assert!(claims.contains(&json!({ "type": "role", "value": value })), "{claims:?}");
    }
}

#[tokio::test]
async fn a_client_that_may_not_renew_is_told_why() {
    let service = start().await;
    let ann = Ann::negotiate(&service, &options(60)).await;
    let mut socket = ann.open_web_socket().await;
    let id = format!("&id={}", ann.connection_token());
    let good = token(&service, &options(60));
    let bob = service.client_token("chat", Some("bob"));
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    let audience = format!("http://{}/client/?hub=chat", service.host);
    let expired = Token::client(&key(), &audience, &options(60), long_ago).unwrap();
    for (query, access_token, status, error) in [
        ("", &*good, 400, "missing_connection_token"),
        ("&id=", &good, 400, "missing_connection_token"),
        ("&id=unknown", &good, 404, "connection_not_found"),
        (&id, &bob, 403, "permission_change_rejected"),
        (&id, expired.as_str(), 401, "invalid_token"),
        (&id, "x.y.z", 401, "invalid_token"),
        (&id, "", 401, "invalid_token"),
        ("&hub=other", &good, 400, "invalid_request"),
    ] {
        let (got, answer) = refresh(&service, query, access_token).await;
        assert_eq!((got, answer["error"].as_str()), (status, Some(error)), "{answer}");
        assert!(answer["error_description"].is_string(), "{answer}");
    }
    let get = service.http(Method::GET, "/client/refresh?hub=chat").send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    service.broadcast(json!(["unharmed"])).await;
    assert_eq!(socket.arguments().await, json!(["unharmed"]));
}
