//! The program: bad configuration, its address, and its end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::{
    process::{Output, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    http::{HeaderMap, Method},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{Mutex, mpsc},
};

const LEAST: [(&str, &str); 2] = [
    ("AzureSignalRConnectionString", "Endpoint=http://localhost:8888;AccessKey=s3cret"),
    ("SIGNALR_HUB", "chat"),
];

fn program(set: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_function-app"));
    command.env_clear().envs(LEAST).envs(set.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// How long to wait for a program that should end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

async fn output(set: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let ended = tokio::time::timeout(PATIENCE, program(set).output()).await;
    let ended = ended.unwrap_or_else(|_| panic!("it did not end with {set:?}"));
    let Output { status, stdout, stderr } = ended.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Waits for the line that reports the port. Returns `host:port`.
async fn address(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    line.strip_prefix("listening on http://").unwrap().to_owned()
}

async fn end(mut child: Child, signal: &str) -> Option<i32> {
    let pid = child.id().unwrap();
    let killed = Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status().await;
    assert!(killed.unwrap().success());
    child.wait().await.unwrap().code()
}

#[tokio::test]
async fn bad_configuration_is_told_and_nothing_is_bound() {
    for (key, value, part) in [
        ("SIGNALR_HUB", "a-b", "hub name 'a-b'"),
        ("AzureSignalRConnectionString", "", "is not set"),
        (
            "AzureSignalRConnectionString",
            "Endpoint=https://x.net;AuthType=azure.app;ClientId=a;TenantId=no/dir;ClientSecret=s",
            "invalid tenant ID no/dir",
        ),
        ("SSL_CERT_FILE", "/nowhere.pem", "'/nowhere.pem' cannot be read"),
        ("PORT", "70000", "'70000' is not a port"),
        ("NEGOTIATE_IDENTITY", "authorizer", "on AWS Lambda behind API Gateway only"),
        ("NEGOTIATE_TOKEN_LIFETIME", "1h", "use seconds"),
        ("ALLOWED_ORIGINS", "*", "list each origin"),
        ("BROADCAST_TIMER_MESSAGE", "{}", "is not a message: missing field `target`"),
        ("FUNCTION_AUTH", "open", "'open' is not known"),
    ] {
        let (code, stdout, stderr) = output(&[("PORT", "0"), (key, value)]).await;
        assert_eq!((code, stdout.as_str()), (Some(64), ""), "{key}: {stderr}");
        assert!(stderr.starts_with(&format!("{key}: ")) && stderr.contains(part), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let (code, _, stderr) = output(&[("FUNCTIONS_CUSTOMHANDLER_PORT", "0")]).await;
    assert_eq!(code, Some(64));
    assert!(stderr.starts_with("FUNCTION_KEY: is not set"), "{stderr}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, stderr) = output(&[("PORT", &port)]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("port {port} on 127.0.0.1 is in use")), "{stderr}");
    assert!(stderr.contains("set PORT"), "{stderr}");
}

#[tokio::test]
async fn signals_end_it_and_free_the_port() {
    for (variable, signal) in [("PORT", "TERM"), ("FUNCTIONS_CUSTOMHANDLER_PORT", "INT")] {
        let mut child = program(&[(variable, "0"), ("FUNCTION_KEY", "k")]).spawn().unwrap();
        let address = address(&mut child).await;
        assert!(address.starts_with("127.0.0.1:"));
        // A connection without a call does not delay the end.
        let idle = TcpStream::connect(&address).await.unwrap();
        assert_eq!(end(child, signal).await, Some(0), "{signal}");
        TcpListener::bind(&address).await.unwrap();
        drop(idle);
    }
}

/// A stand-in for Lambda's runtime API: it gives out events with the time left for them, and takes
/// the answers.
struct Runtime {
    address: String,
    events: mpsc::Sender<(Value, Duration)>,
    answers: mpsc::Receiver<Value>,
}

impl Runtime {
    async fn start() -> Self {
        const NEXT: &str = "/2018-06-01/runtime/invocation/next";
        const RESPONSE: &str = "/2018-06-01/runtime/invocation/one/response";

        let (events, next) = mpsc::channel(1);
        let (answer, answers) = mpsc::channel(1);
        let next = Arc::new(Mutex::new(next));
        let hand_out = move || async move {
            let (event, left): (Value, Duration) = match next.lock().await.recv().await {
                Some(next) => next,
                None => std::future::pending().await,
            };
            let deadline = (SystemTime::now() + left).duration_since(UNIX_EPOCH).unwrap();
            let deadline = deadline.as_millis().to_string();
            let mut headers = HeaderMap::new();
            for (name, value) in [
                ("lambda-runtime-aws-request-id", "one"),
                ("lambda-runtime-deadline-ms", &deadline),
                ("lambda-runtime-invoked-function-arn", "arn"),
            ] {
                headers.insert(name, value.parse().unwrap());
            }
            (headers, Json(event))
        };
        let take = move |body: String| async move {
            answer.send(serde_json::from_str::<Value>(&body).unwrap()).await.unwrap();
        };
        let runtime = Router::new().route(NEXT, get(hand_out)).route(RESPONSE, post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, runtime).await });
        Self { address, events, answers }
    }

    fn program(&self, set: &[(&str, &str)]) -> Child {
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", self.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "app"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("FUNCTION_AUTH", "platform"),
        ];
        program(&[&lambda, set].concat()).spawn().unwrap()
    }

    async fn answer(&mut self, event: Value, left: Duration) -> Value {
        self.events.send((event, left)).await.unwrap();
        self.answers.recv().await.unwrap()
    }
}

#[tokio::test]
async fn on_lambda_it_answers_events() {
    let mut runtime = Runtime::start().await;
    let child = runtime.program(&[]);
    let event = http_api_event(&Method::POST, "/prod/chat/negotiate");
    let answer = runtime.answer(event, PATIENCE).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["url"], "http://localhost:8888/client/?hub=chat");
    assert_eq!(end(child, "TERM").await, Some(0));
}

#[tokio::test]
async fn on_lambda_it_says_what_was_done_before_its_time_is_up() {
    // It accepts connections and sends nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = format!("Endpoint=http://{};AccessKey=k", silent.local_addr().unwrap());
    let mut runtime = Runtime::start().await;
    let child = runtime.program(&[("AzureSignalRConnectionString", &service)]);
    let mut event = http_api_event(&Method::POST, "/prod/broadcast");
    event["headers"] = json!({ "content-type": "application/json" });
    let message = json!({ "target": "t", "arguments": [] });
    event["body"] = json!([message, message]).to_string().into();
    let answer = runtime.answer(event, Duration::from_secs(1)).await;
    assert_eq!(answer["statusCode"], 502, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let statuses = body["results"].as_array().unwrap().iter().map(|result| &result["status"]);
    assert_eq!(statuses.collect::<Vec<_>>(), [504, 424]);

    let record =
        |id: &str| json!({ "messageId": id, "body": message.to_string(), "eventSourceARN": "arn" });
    let batch = json!({ "Records": [record("1"), record("2")] });
    let answer = runtime.answer(batch, Duration::from_secs(1)).await;
    let failed = json!([{ "itemIdentifier": "1" }, { "itemIdentifier": "2" }]);
    assert_eq!(answer["batchItemFailures"], failed);
    assert_eq!(end(child, "TERM").await, Some(0));
}

fn http_api_event(method: &Method, path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "host": "x.execute-api.eu-west-1.amazonaws.com" }, "isBase64Encoded": false,
        "requestContext": {
            "stage": "prod", "routeKey": "$default",
            "http": { "method": method.as_str(), "path": path, "protocol": "HTTP/1.1" },
        },
    })
}
