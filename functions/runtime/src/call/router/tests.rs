use axum::{Extension, Router, body::Body};
use http_body_util::BodyExt;
use signalr_serverless::HubName;

use tower::ServiceExt;

use super::*;
use crate::{Items, config::tests::config};

async fn echo(Extension(hub): Extension<HubName>) -> String {
    hub.as_str().to_owned()
}

async fn take(_: Items) -> &'static str {
    "taken"
}

fn app(set: &[(&str, &str)]) -> Router {
    let config = config(set).unwrap();
    let guarded = Function::guarded("take", config.authorization().unwrap(), take, ());
    crate::router(&config, [Function::open("echo", echo, ()), guarded])
}

async fn call(app: &Router, request: Request) -> (u16, axum::http::HeaderMap, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn post(uri: &str) -> Request {
    Request::post(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_call_reaches_its_function_with_its_hub() {
    let app = app(&[("SIGNALR_HUBS", "chat,news"), ("SIGNALR_APPLICATION", "shop")]);
    for (path, hub) in [
        ("/api/echo", "shop_chat"),
        ("/echo?x=/api/news/echo", "shop_chat"),
        ("/api/News/echo", "shop_news"),
        ("/api/n%65ws/echo", "shop_news"),
    ] {
        assert_eq!(call(&app, post(path)).await.2, hub, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404_problem() {
    let app = app(&[]);
    for (path, part) in [
        ("/api/nothing", "there is nothing at '/api/nothing'"),
        ("/api/nothing", "with the function echo or take"),
        ("/api//echo", "there is nothing"),
        ("/api/echo/", "there is nothing"),
        ("/api/Echo", "there is nothing"),
        ("/api/news/echo", "hub 'news' is not served"),
        ("/api/chat%2Fecho", "there is nothing"),
        ("/api/ch%2Fat/echo", "hub name 'ch/at'"),
        ("/api/%ff/echo", "hub name"),
    ] {
        let (status, headers, body) = call(&app, post(path)).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(body.contains(part), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_is_right() {
    let app = app(&[]);
    for (method, path, allow) in [
        ("GET", "/api/echo", "POST"),
        ("PUT", "/api/chat/take", "POST"),
        ("TRACE", "/api/news/echo", "POST"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let (status, headers, _) = call(&app, request).await;
        assert_eq!((status, headers["allow"].to_str().unwrap()), (405, allow), "{method} {path}");
    }
    let (status, _, body) = call(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!((status, body.as_str()), (200, "ready\n"));
}

#[tokio::test]
async fn callers_are_checked_before_hub_and_body() {
    let app = app(&[("FUNCTION_KEY", "k")]);
    assert_eq!(call(&app, post("/api/news/take")).await.0, 401);
    assert_eq!(call(&app, post("/api/news/take?code=k")).await.0, 404);
    assert_eq!(call(&app, post("/api/chat/take?code=k")).await.0, 415);
    assert_eq!(call(&app, post("/api/chat/echo")).await.0, 200);
}

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let app = app(&[]);
    for (size, expected) in [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)] {
        let body = format!("{{\"n\":\"{}\"}}", "x".repeat(size - r#"{"n":""}"#.len()));
        assert_eq!(body.len(), size);
        let request = Request::post("/api/take").header("content-type", "application/json");
        let (status, _, body) = call(&app, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(status, expected, "{body}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_key_for_allowed_origins_only() {
    let app = app(&[("ALLOWED_ORIGINS", "https://app.example"), ("FUNCTION_KEY", "k")]);
    let asked = "x-requested-with,x-signalr-user-agent,authorization,content-type";
    let preflight = |origin| {
        let request = Request::options("/api/chat/echo")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked);
        request.body(Body::empty()).unwrap()
    };
    let (status, headers, _) = call(&app, preflight("https://app.example")).await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert_eq!(headers["access-control-allow-methods"], "POST");
    assert_eq!(headers["access-control-allow-headers"], asked);
    assert!(headers["vary"].to_str().unwrap().contains("origin"));

    let (_, headers, _) = call(&app, preflight("https://evil.test")).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn answers_and_errors_carry_the_origin() {
    let app = app(&[("ALLOWED_ORIGINS", "https://app.example")]);
    for path in ["/api/echo", "/api/news/echo"] {
        let request = Request::post(path).header("origin", "https://app.example");
        let (_, headers, _) = call(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(headers["access-control-allow-origin"], "https://app.example", "{path}");
    }
}

/// A function that takes triggers and answers with the body that it got.
fn taking_events(set: &[(&str, &str)]) -> Router {
    let config = config(set).unwrap();
    let take = |body: String| async move { body };
    let authorization = config.authorization().unwrap();
    let take = Function::guarded("take", authorization, take, ()).triggered(None);
    crate::router(&config, [take, Function::open("echo", echo, ())])
}

#[tokio::test]
async fn event_grid_is_told_that_its_events_are_wanted_and_brings_messages() {
    let app = taking_events(&[("FUNCTION_KEY", "k"), ("ALLOWED_ORIGINS", "https://app.example")]);
    let own = |kind: &str, body: &str| {
        let request = Request::post("/api/chat/take?code=k")
            .header("aeg-event-type", kind)
            .header("content-type", "application/json; charset=utf-8");
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let code = r#"[{"id":"1","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d38b6","validationUrl":"https://rp.example/validate"}}]"#;
    let (status, _, body) = call(&app, own("SubscriptionValidation", code)).await;
    assert_eq!((status, body.as_str()), (200, r#"{"validationResponse":"512d38b6"}"#));
    assert_eq!(call(&app, own("SubscriptionDeletion", "[]")).await.0, 200);
    let event = r#"[{"id":"1","eventType":"Order","subject":"s","data":{"target":"t"}}]"#;
    let (status, _, body) = call(&app, own("Notification", event)).await;
    assert_eq!((status, body.as_str()), (200, r#"[{"target":"t"}]"#));
    for (kind, body) in [
        ("SubscriptionValidation", "[]"),
        ("SubscriptionValidation", r#"[{"data":{}}]"#),
        ("Notification", "[]"),
        ("Notification", r#"{"target":"t"}"#),
        ("Notification", "nonsense"),
    ] {
        assert_eq!(call(&app, own(kind, body)).await.0, 400, "{kind} {body}");
    }

    let cloud = |content_type: &str, body: &str| {
        let request = Request::post("/api/take?code=k").header("content-type", content_type);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let event = r#"{"specversion":"1.0","type":"x","source":"/s","id":"1","data":{"target":"t"}}"#;
    for (content_type, body, taken) in [
        ("application/cloudevents+json; charset=utf-8", event, r#"{"target":"t"}"#),
        ("application/cloudevents-batch+json", &*format!("[{event}]"), r#"[{"target":"t"}]"#),
    ] {
        let (status, _, body) = call(&app, cloud(content_type, body)).await;
        assert_eq!((status, body.as_str()), (200, taken), "{content_type}");
    }
    let long = "x".repeat(BODY_LIMIT + 1);
    assert_eq!(call(&app, cloud("application/cloudevents+json", &long)).await.0, 413);
}

#[tokio::test]
async fn the_handshake_of_cloud_events_needs_the_key_and_is_no_preflight() {
    let app = taking_events(&[("FUNCTION_KEY", "k"), ("ALLOWED_ORIGINS", "https://app.example")]);
    let handshake = |path: &str| {
        let request =
            Request::options(path).header("webhook-request-origin", "eventgrid.azure.net");
        request.header("webhook-request-rate", "120").body(Body::empty()).unwrap()
    };
    let (status, headers, _) = call(&app, handshake("/api/chat/take?code=k")).await;
    assert_eq!(status, 200);
    assert_eq!(headers["webhook-allowed-origin"], "eventgrid.azure.net");
    assert_eq!(headers["webhook-allowed-rate"], "120");
    assert_eq!(call(&app, handshake("/api/chat/take")).await.0, 401);
    // This function takes no events.
    let (_, headers, _) = call(&app, handshake("/api/chat/echo")).await;
    assert!(!headers.contains_key("webhook-allowed-origin"));
}
