//! The requests of a service, made by hand, over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, Uri},
};
use hmac::{Hmac, Mac};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use sha2::Sha256;
use signalr_function_runtime::{Config, Problem};
use signalr_serverless::AccessKey;
use signalr_upstream::{MethodError, Upstream};
use tokio::net::TcpListener;

const KEY: &str = "s3cret";
const PATH: &str = "/api/upstream";
const JSON: &str = "application/json";
const MESSAGE_PACK: &str = "application/x-msgpack";

fn config(service: &str) -> Config {
    config_with(&format!("Endpoint={service};AccessKey={KEY}"), None)
}

fn config_with(connection_string: &str, function_key: Option<&str>) -> Config {
    let config = Config::from_lookup(|key| match key {
        "AzureSignalRConnectionString" => Some(connection_string),
        "FUNCTION_KEY" => function_key,
        "SIGNALR_HUB" => Some("chat"),
        _ => None,
    });
    config.unwrap()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn start(fill: impl FnOnce(Upstream) -> Upstream) -> String {
    start_with(config("http://localhost:8888"), fill).await
}

async fn start_with(config: Config, fill: impl FnOnce(Upstream) -> Upstream) -> String {
    let upstream = fill(Upstream::new(&config));
    serve(signalr_function_runtime::router(&config, [upstream.function()])).await
}

fn sign(key: &str, connection: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(connection);
    format!("sha256={}", base16ct::upper::encode_string(&mac.finalize().into_bytes()))
}

/// A request of the service, which a test can change.
#[derive(Clone)]
struct Call {
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Call {
    fn new(category: &str, event: &str, content_type: &str, body: &[u8]) -> Self {
        let headers = [
            ("content-type", content_type.to_owned()),
            ("x-asrs-connection-id", "c1".to_owned()),
            ("x-asrs-hub", "chat".to_owned()),
            ("x-asrs-category", category.to_owned()),
            ("x-asrs-event", event.to_owned()),
            ("x-asrs-signature", sign(KEY, "c1")),
        ];
        Self { path: PATH, headers: headers.into(), body: Bytes::copy_from_slice(body) }
    }

    fn json(event: &str, body: &Value) -> Self {
        Self::new("messages", event, JSON, body.to_string().as_bytes())
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    async fn send(self, host: &str) -> (u16, HeaderMap, Vec<u8>) {
        let uri: Uri = format!("{host}{}", self.path).parse().unwrap();
        let request = self.headers.iter().fold(Request::post(uri), |request, (name, value)| {
            request.header(*name, value.as_bytes())
        });
        let http = Client::builder(TokioExecutor::new()).build_http();
        let response = http.request(request.body(Body::from(self.body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        (parts.status.as_u16(), parts.headers, body.to_vec())
    }

    async fn status(self, host: &str) -> u16 {
        self.send(host).await.0
    }

    /// The body of an answer with status 200.
    async fn text(self, host: &str) -> String {
        let (status, _, body) = self.send(host).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }
}

fn with_methods(upstream: Upstream) -> Upstream {
    upstream
        .on("Add", |_, (a, b): (i64, i64)| async move { Ok(a + b) })
        .on("echo", |_, arguments: Vec<Value>| async move { Ok(arguments) })
        .on("nothing", |_, ()| async move { Ok(()) })
        .on("refuse", |_, (reason,): (String,)| async move {
            Err::<(), _>(MethodError::refused(reason))
        })
        .on("fail", |_, ()| async move {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, "the database is away");
            Err::<(), _>(MethodError::from(problem))
        })
}

#[tokio::test]
async fn a_method_in_json_answers_with_a_completion() {
    let host = start(with_methods).await;
    let call = |target: &str, arguments: Value| {
        let body =
            json!({ "type": 1, "invocationId": "7", "target": target, "arguments": arguments });
        Call::json(target, &body)
    };
    let completion = |rest: &str| format!("{{\"type\":3,\"invocationId\":\"7\",{rest}}}\u{1e}");
    assert_eq!(call("add", json!([1, 2])).text(&host).await, completion("\"result\":3"));
    assert_eq!(call("ADD", json!([1, 2])).text(&host).await, completion("\"result\":3"));
    assert_eq!(call("nothing", json!([])).text(&host).await, completion("\"result\":null"));
    let arguments = json!(["é\u{1e}", { "a": [null, -1.5] }, u64::MAX]);
    let echo = call("echo", arguments).text(&host).await;
    assert_eq!(
        echo,
        completion("\"result\":[\"é\\u001e\",{\"a\":[null,-1.5]},18446744073709551615]")
    );
    assert_eq!(call("refuse", json!(["no"])).text(&host).await, completion("\"error\":\"no\""));
    for arguments in [json!([]), json!(["1", 2]), json!([1, 2, 3])] {
        let refused = call("add", arguments).text(&host).await;
        assert!(refused.contains("\"error\":\"the arguments do not fit the method: "), "{refused}");
    }
    let (status, headers, body) = call("fail", json!([])).send(&host).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (502, &"application/problem+json".parse().unwrap())
    );
    assert!(String::from_utf8(body).unwrap().contains("the database is away"));
}

#[tokio::test]
async fn a_method_in_message_pack_answers_in_kind() {
    let host = start(with_methods).await;
    let call = |event: &str, body: &[u8]| Call::new("messages", event, MESSAGE_PACK, body);
    let (status, headers, body) =
        call("add", b"\x96\x01\x80\xa17\xa3add\x92\x01\x02\x90").send(&host).await;
    assert_eq!((status, &headers["content-type"]), (200, &MESSAGE_PACK.parse().unwrap()));
    assert_eq!(body, b"\x07\x95\x03\x80\xa17\x03\x03");
    let refused = call("add", b"\x96\x01\x80\xa17\xa3add\x91\x01\x90").send(&host).await.2;
    let text = String::from_utf8_lossy(&refused);
    assert!(text.contains("the arguments do not fit the method: "), "{text}");
    assert_eq!(call("nothing", b"\x95\x01\x80\xc0\xa7nothing\x90").status(&host).await, 204);
}

#[tokio::test]
async fn without_an_id_there_is_no_completion() {
    let host = start(with_methods).await;
    let call = |target: &str, arguments: Value| {
        Call::json(target, &json!({ "type": 1, "target": target, "arguments": arguments }))
    };
    let (status, _, body) = call("add", json!([1, 2])).send(&host).await;
    assert_eq!((status, body.as_slice()), (204, &b""[..]));
    assert_eq!(call("add", json!([1])).status(&host).await, 400);
    assert_eq!(call("refuse", json!(["no"])).status(&host).await, 400);
    assert_eq!(call("fail", json!([])).status(&host).await, 502);
}

#[tokio::test]
async fn connections_come_and_go_with_who_they_are() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (connected, disconnected) = (Arc::clone(&log), Arc::clone(&log));
    let host = start(|upstream| {
        upstream
            .on_connected(move |caller| {
                let log = Arc::clone(&connected);
                async move {
                    let user = caller.user().cloned();
                    let role = caller.claim("role").unwrap_or_default();
                    let room = caller.parameter("room").unwrap_or_default();
                    log.lock().unwrap().push(format!("{user:?} {role} {room}"));
                    match user {
                        Some(_) => Ok(()),
                        None => Err(MethodError::refused("sign in first")),
                    }
                }
            })
            .on_disconnected(move |caller, error| {
                let log = Arc::clone(&disconnected);
                async move {
                    log.lock().unwrap().push(format!("{} {error:?}", caller.connection()));
                    Ok(())
                }
            })
    })
    .await;
    let event = |name: &str, body: &str| Call::new("connections", name, JSON, body.as_bytes());
    let ann = event("connected", "{\"type\":10}")
        .with("x-asrs-user-id", "ann")
        .with("x-asrs-user-claims", "sub: ann, role: admin")
        .with("x-asrs-client-query", "?hub=chat&room=%C3%A9");
    assert_eq!(ann.status(&host).await, 204);
    assert_eq!(event("connected", "{\"type\":10}").status(&host).await, 403);
    assert_eq!(event("disconnected", "{\"type\":11}").status(&host).await, 204);
    let emulator = event("disconnected", "{\"Type\":11,\"Error\":\"gone\"}");
    assert_eq!(emulator.status(&host).await, 204);
    assert_eq!(event("disconnected", "gone").status(&host).await, 400);
    assert_eq!(event("reconnected", "{}").status(&host).await, 404);
    let log = log.lock().unwrap().clone();
    assert_eq!(log, ["Some(UserId(\"ann\")) admin é", "None  ", "c1 None", "c1 Some(\"gone\")"]);
}

#[tokio::test]
async fn events_that_nobody_asked_for_are_fine_and_unknown_methods_are_not() {
    let host = start(with_methods).await;
    for event in ["connected", "disconnected"] {
        assert_eq!(Call::new("connections", event, JSON, b"{}").status(&host).await, 204);
    }
    let body = json!({ "type": 1, "target": "subtract", "arguments": [] });
    assert_eq!(Call::json("subtract", &body).status(&host).await, 404);
    assert_eq!(Call::new("streams", "add", JSON, b"{}").status(&host).await, 404);
}

#[tokio::test]
async fn only_what_the_service_signed_is_taken() {
    let other_key = AccessKey::parse("another").unwrap();
    let host = start(|upstream| with_methods(upstream).with_key(&other_key)).await;
    let body = json!({ "type": 1, "invocationId": "7", "target": "nothing", "arguments": [] });
    let call = Call::json("nothing", &body);
    let signed = |signature: &str| call.clone().with("x-asrs-signature", signature);
    let (good, second) = (sign(KEY, "c1"), sign("another", "c1"));
    for signature in [&good, &good.to_lowercase(), &format!("sha256=00, {good}"), &second] {
        assert_eq!(signed(signature).status(&host).await, 200, "{signature}");
    }
    for signature in ["", "sha256=", "x", &sign("guessed", "c1"), &sign(KEY, "c2")] {
        assert_eq!(signed(signature).status(&host).await, 401, "{signature}");
    }
    let (status, _, body) = call.clone().without("x-asrs-signature").send(&host).await;
    assert_eq!(status, 401);
    assert!(!String::from_utf8(body).unwrap().contains(KEY));
    assert_eq!(call.with("x-asrs-connection-id", "c2").status(&host).await, 401);
}

#[tokio::test]
async fn without_an_access_key_a_function_key_lets_the_service_in() {
    const IDENTITY: &str = "Endpoint=http://localhost:8888;AuthType=azure.msi";
    let call = Call::json(
        "add",
        &json!({ "type": 1, "invocationId": "1", "target": "add", "arguments": [1, 2] }),
    );
    let keyed = Call { path: "/api/upstream?code=right", ..call.clone() };
    let wrong = Call { path: "/api/upstream?code=wrong", ..call.clone() };

    let host = start_with(config_with(IDENTITY, Some("right")), with_methods).await;
    assert_eq!(keyed.clone().status(&host).await, 200);
    assert_eq!(wrong.status(&host).await, 401);
    assert_eq!(call.clone().with("x-asrs-signature", &sign("", "c1")).status(&host).await, 401);

    let host = start_with(config_with(IDENTITY, None), with_methods).await;
    assert_eq!(keyed.clone().status(&host).await, 500);
    let (status, _, body) = call.send(&host).await;
    assert_eq!(status, 500);
    assert!(String::from_utf8_lossy(&body).contains("set FUNCTION_KEY"));

    // If there is a key to sign with, a function key does not replace the signature.
    let with_key = format!("Endpoint=http://localhost:8888;AccessKey={KEY}");
    let host = start_with(config_with(&with_key, Some("right")), with_methods).await;
    assert_eq!(keyed.with("x-asrs-signature", &sign("guessed", "c1")).status(&host).await, 401);
}

#[tokio::test]
async fn requests_that_are_none_of_a_service_are_refused_by_what_they_lack() {
    let host = start(with_methods).await;
    let body = json!({ "type": 1, "invocationId": "7", "target": "nothing", "arguments": [] });
    let call = Call::json("nothing", &body);
    for content_type in ["text/plain", "application/xml", ""] {
        let call = call.clone().with("content-type", content_type);
        assert_eq!(call.status(&host).await, 415, "{content_type}");
    }
    assert_eq!(call.clone().without("content-type").status(&host).await, 415);
    for name in ["x-asrs-connection-id", "x-asrs-hub", "x-asrs-category", "x-asrs-event"] {
        assert_eq!(call.clone().without(name).status(&host).await, 400, "{name}");
        assert_eq!(call.clone().with(name, "").status(&host).await, 400, "{name}");
    }
    assert_eq!(call.clone().with("x-asrs-event", "add").status(&host).await, 400);
    for (content_type, body) in [
        (JSON, &b""[..]),
        (JSON, b"hello"),
        (JSON, b"\xff\xfe"),
        (JSON, b"{\"type\":1}"),
        (JSON, b"\x95\x01\x80\xc0\xa7nothing\x90"),
        (MESSAGE_PACK, b""),
        (MESSAGE_PACK, b"\xc1\xc1"),
        (MESSAGE_PACK, b"{\"type\":1,\"target\":\"nothing\",\"arguments\":[]}"),
    ] {
        let call = Call::new("messages", "nothing", content_type, body);
        assert_eq!(call.status(&host).await, 400, "{body:?}");
    }
    let long = Call::new("messages", "nothing", JSON, &vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(long.status(&host).await, 413);
    let get = Request::get(format!("{host}{PATH}")).body(Body::empty()).unwrap();
    let http = Client::builder(TokioExecutor::new()).build_http::<Body>();
    assert_eq!(http.request(get).await.unwrap().status(), 405);
}

#[tokio::test]
async fn the_paths_are_the_functions_and_asrs_emulators() {
    let host = start(with_methods).await;
    let body = json!({ "type": 1, "invocationId": "7", "target": "nothing", "arguments": [] });
    for (path, status) in [
        (PATH, 200),
        ("/api/chat/upstream", 200),
        ("/api/upstream?code=k", 200),
        ("/runtime/webhooks/signalr", 200),
        ("/api/runtime/webhooks/signalr", 404),
        ("/runtime/webhooks/signalr/", 404),
        ("/api/news/upstream", 404),
        ("/api/downstream", 404),
    ] {
        let call = Call { path, ..Call::json("nothing", &body) };
        assert_eq!(call.status(&host).await, status, "{path}");
    }
}
