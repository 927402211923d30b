use axum::{Json, body::Body};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;
use crate::{Function, Items, config::tests::config};

fn app(set: &[(&str, &str)]) -> Router {
    let azure = ("FUNCTIONS_CUSTOMHANDLER_PORT", "1");
    let set: Vec<_> = set.iter().copied().chain([azure, ("FUNCTION_KEY", "k")]).collect();
    let config = config(&set).unwrap();
    let echo = |headers: HeaderMap, body: String| async move {
        let values: Vec<_> =
            headers.get_all("x-many").iter().map(|v| v.to_str().unwrap()).collect();
        Json(json!({ "many": values.join(","), "body": body }))
    };
    let take = |items: Items| async move {
        match format!("{items:?}").contains("bad") {
            true => StatusCode::BAD_GATEWAY,
            false => StatusCode::ACCEPTED,
        }
    };
    let guarded = Function::guarded("take", config.authorization().unwrap(), take, ());
    let functions =
        [Function::open("echo", echo, ()), guarded.triggered(config.timer_message.clone())];
    crate::router(&config, functions)
}

/// Sends a POST as the host does.
async fn post(app: &Router, path: &str, body: impl Into<Body>) -> (u16, Value) {
    post_with(app, path, &[("content-type", "application/json; charset=utf-8")], body).await
}

async fn post_with(
    app: &Router,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (u16, Value) {
    let request = headers
        .iter()
        .fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    let request = request.body(body.into()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn enveloped(data: Value) -> String {
    json!({ "Data": data, "Metadata": { "sys": { "MethodName": "x" } } }).to_string()
}

fn http(method: &str, url: &str, headers: Value, body: Value) -> String {
    let request =
        json!({ "Url": url, "Method": method, "Query": "{}", "Headers": headers, "Body": body });
    enveloped(json!({ "req": request }))
}

#[tokio::test]
async fn an_enveloped_request_is_answered_in_the_outcome() {
    let app = app(&[("ALLOWED_ORIGINS", "https://app.example")]);
    let headers = json!({ "X-Many": ["1", "2"], "Origin": ["https://app.example"] });
    let url = "https://x.azurewebsites.net/api/chat/echo?a=b";
    for (folder, body, seen) in [
        ("/echo", json!("text"), "text"),
        ("/echo-hub", json!({ "a": 1 }), r#"{"a":1}"#),
        ("/echo-hub", Value::Null, ""),
    ] {
        let (status, outcome) = post(&app, folder, http("POST", url, headers.clone(), body)).await;
        assert_eq!((status, &outcome["Logs"]), (200, &json!([])));
        assert_eq!(outcome["ReturnValue"], Value::Null);
        let answer = &outcome["Outputs"]["res"];
        assert_eq!((&answer["statusCode"], &answer["status"]), (&json!("200"), &json!("200")));
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, json!({ "many": "1,2", "body": seen }));
        assert_eq!(answer["headers"]["access-control-allow-origin"], "https://app.example");
        assert_eq!(answer["headers"]["content-type"], "application/json");
        assert_eq!(answer["headers"].get("content-length"), None, "the host sets its own");
    }
}

#[tokio::test]
async fn an_enveloped_request_is_checked_like_any_other() {
    let app = app(&[]);
    let base = "https://x/api";
    let json = json!({ "content-type": ["application/json"] });
    let keyed = json!({ "content-type": "application/json", "x-functions-key": "k" });
    for (folder, request, expected) in [
        ("/take", http("POST", &format!("{base}/take"), json.clone(), "{}".into()), "401"),
        ("/take", http("POST", &format!("{base}/take?code=k"), json, "{}".into()), "202"),
        ("/take", http("POST", &format!("{base}/take"), keyed, "{}".into()), "202"),
        ("/echo", http("GET", &format!("{base}/echo"), json!({}), Value::Null), "405"),
        ("/echo-hub", http("POST", &format!("{base}/news/echo"), json!({}), Value::Null), "404"),
        ("/take", http("POST", &format!("{base}/../take"), json!({}), Value::Null), "401"),
    ] {
        let (status, outcome) = post(&app, folder, request.clone()).await;
        assert_eq!(status, 200, "{outcome}");
        assert_eq!(outcome["Outputs"]["res"]["status"], expected, "{request}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_told_to_its_caller_and_an_envelope_to_the_host() {
    let app = app(&[]);
    let keyed = json!({ "content-type": ["application/json"], "x-functions-key": ["k"] });
    let of = |length: usize| {
        http("POST", "https://x/api/take", keyed.clone(), json!("\"".repeat(length))).into_bytes()
    };
    let (status, outcome) = post(&app, "/take", of(crate::BODY_LIMIT + 1)).await;
    let answer = &outcome["Outputs"]["res"];
    assert_eq!((status, &answer["status"]), (200, &json!("413")), "{outcome}");
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");
    let (status, problem) = post(&app, "/take", of(ENVELOPE_LIMIT)).await;
    assert_eq!(status, 413, "{problem}");
}

#[tokio::test]
async fn an_envelope_calls_no_function_but_its_own() {
    let app = app(&[]);
    let keyed = json!({ "content-type": ["application/json"], "x-functions-key": ["k"] });
    for (folder, path) in [
        ("/echo", "/api/take"),
        ("/echo", "/api/chat/take"),
        ("/echo", "/api/take?x=/echo"),
        ("/echo", "/api/take#/echo"),
        ("/echo", "/api/echo/../take"),
        ("/echo", "/api/a/b/echo"),
        ("/echo", "/"),
        ("/echo-hub", "/api/take"),
        ("/take", "/api/echo"),
        ("/take-hub-hub", "/api/take"),
        ("/take-queue", "/api/take"),
        ("/Take", "/api/take"),
        ("/broadcast-queue", "/api/take"),
        ("/warmup", "/api/take"),
        ("/%74ake", "/api/take"),
    ] {
        let url = format!("https://x{path}");
        let request = http("POST", &url, keyed.clone(), "{}".into());
        let (status, problem) = post(&app, folder, request).await;
        assert_eq!(status, 400, "{folder} {path} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("does not name"), "{problem}");
    }
}

#[tokio::test]
async fn only_the_host_sends_envelopes() {
    const JSON: (&str, &str) = ("content-type", "application/json");
    let app = app(&[("ALLOWED_ORIGINS", "https://app.example")]);
    let message = enveloped(json!({ "message": { "n": 1 } }));
    for (headers, expected) in [
        (&[JSON][..], 200),
        (&[("content-type", "Application/JSON ; charset=utf-8")], 200),
        (&[], 415),
        (&[("content-type", "text/plain;charset=UTF-8")], 415),
        (&[("content-type", "application/x-www-form-urlencoded")], 415),
        (&[("content-type", "application/jsonp")], 415),
        (&[JSON, ("origin", "https://evil.example")], 403),
        (&[JSON, ("origin", "https://app.example")], 403),
        (&[JSON, ("origin", "null")], 403),
        (&[JSON, ("sec-fetch-site", "same-origin")], 403),
        (&[JSON, ("x-arr-log-id", "a")], 403),
    ] {
        let (status, answer) = post_with(&app, "/broadcast-queue", headers, message.clone()).await;
        assert_eq!(status, expected, "{headers:?} {answer}");
    }
}

#[tokio::test]
async fn a_warm_up_succeeds() {
    let app = app(&[]);
    for (folder, data) in [
        ("/warmup", json!({ "warmupContext": {} })),
        ("/WarmUp", json!({ "warmupContext": "{}" })),
        ("/warmup", json!({})),
    ] {
        let (status, outcome) = post(&app, folder, enveloped(data)).await;
        let empty = json!({ "Outputs": {}, "Logs": [], "ReturnValue": null });
        assert_eq!((status, outcome), (200, empty));
    }
}

#[tokio::test]
async fn triggers_need_no_key_and_succeed_or_fail() {
    let app = app(&[("BROADCAST_TIMER_MESSAGE", "{}")]);
    let timer = json!({ "Schedule": {}, "ScheduleStatus": null, "IsPastDue": false });
    for good in [
        json!({ "message": { "n": 1 } }),
        json!({ "message": [{ "n": 1 }, { "n": 2 }] }),
        json!({ "message": r#"{"n":1}"# }),
        json!({ "message": r#""{\"n\":1}""# }),
        json!({ "timer": timer }),
        json!({ "timer": timer.to_string() }),
    ] {
        let (status, outcome) = post(&app, "/broadcast-queue", enveloped(good.clone())).await;
        assert_eq!((status, &outcome["Outputs"]), (200, &json!({})), "{good} {outcome}");
    }
    for (bad, expected) in [
        (json!({ "message": { "n": "bad" } }), 500),
        (json!({ "message": "nonsense" }), 500),
        (json!({}), 400),
        (json!({ "message": {}, "other": {} }), 400),
        (json!({ "req": { "n": 1 } }), 400),
    ] {
        let (status, problem) = post(&app, "/broadcast-queue", enveloped(bad.clone())).await;
        assert_eq!(status, expected, "{bad} {problem}");
    }
    let message = enveloped(json!({ "message": { "n": 1 } }));
    for folder in ["/take", "/take-hub", "/QueueTrigger"] {
        let (status, outcome) = post(&app, folder, message.clone()).await;
        assert_eq!(status, 200, "{folder} {outcome}");
    }
    for folder in ["/echo", "/echo-hub"] {
        let (status, problem) = post(&app, folder, message.clone()).await;
        assert_eq!(status, 400, "{folder} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("HTTP calls alone"), "{problem}");
    }
    let without = self::app(&[]);
    let (status, problem) =
        post(&without, "/broadcast-timer", enveloped(json!({ "timer": timer }))).await;
    assert_eq!(status, 500);
    assert!(problem["detail"].as_str().unwrap().contains("BROADCAST_TIMER_MESSAGE"), "{problem}");
}

#[tokio::test]
async fn who_writes_to_a_queue_makes_no_calls_and_who_calls_sends_no_envelope() {
    let app = app(&[]);
    let request = json!({ "Url": "https://x/api/take?code=k", "Method": "POST", "Headers": {} });
    let (status, outcome) =
        post(&app, "/broadcast-queue", enveloped(json!({ "message": request }))).await;
    // It was treated as a message: no call was made, so there is no answer.
    assert_eq!((status, &outcome["Outputs"]), (200, &json!({})));
    // Under /api an envelope is an ordinary body.
    let (_, answer) = post(&app, "/api/echo", enveloped(json!({ "req": request }))).await;
    assert!(answer["body"].as_str().unwrap().contains("Metadata"), "{answer}");
    let (status, problem) = post(&app, "/take?code=k", "{}").await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("route prefix"), "{problem}");
}

#[tokio::test]
async fn the_host_sees_that_the_app_is_ready() {
    let app = app(&[]);
    let answer = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn an_envelope_with_more_headers_than_there_can_be_is_an_error() {
    let app = app(&[]);
    let names = (0..40_000).map(|number| (format!("x-{number}"), json!(["1"])));
    let many = Value::Object(names.collect());
    let request = http("POST", "https://x/api/echo", many, "{}".into());
    let (status, outcome) = post(&app, "/echo", request).await;
    assert_eq!(status, 400, "{outcome}");
}
