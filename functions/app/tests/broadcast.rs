//! Broadcast over HTTP: the requests to the service, and the answers to callers.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod harness;

use axum::{body::Body, extract::Request};
use harness::{StandIn, app, nobody};
use serde_json::{Value, json};

const PATH: &str = "/api/chat/broadcast";

#[tokio::test]
async fn messages_go_out_in_order_and_to_whom_they_are_for() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let body = r#"[
        {"target":"a","arguments":[]},
        {"target":"b","arguments":[],"excluded":["c1","c 2"]},
        {"target":"c","arguments":[],"groupName":"room/1","excluded":["c1"]},
        {"target":"d","arguments":[],"userId":"Jü"},
        {"target":"e","arguments":[],"connectionId":"c1","userId":"u"}
    ]"#;
    let (status, answer) = app.post_json(PATH, body).await;
    assert_eq!((status, &answer), (202, &json!({ "results": vec![json!({ "status": 202 }); 5] })));
    let hub = "POST /api/hubs/chat";
    let version = "api-version=2024-12-01";
    assert_eq!(
        service.lines(),
        [
            format!("{hub}/:send?{version}"),
            format!("{hub}/:send?{version}&excluded=c1&excluded=c%202"),
            format!("{hub}/groups/room%2F1/:send?{version}&excluded=c1"),
            format!("{hub}/users/J%C3%BC/:send?{version}"),
            format!("{hub}/connections/c1/:send?{version}"),
        ]
    );
}

#[tokio::test]
async fn arguments_arrive_to_the_letter() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let arguments = r#"[12345678901234567890,1.0,1e400,-0,"2024-01-01T00:00:00Z","\u00e9é",null,{"z":1,"a":[ ]},1,2,3,4,5]"#;
    let body = format!(r#"{{"arguments":{arguments},"target":"t"}}"#);
    assert_eq!(app.post_json(PATH, body).await.0, 202);
    let expected = format!(r#"{{"target":"t","arguments":{arguments}}}"#);
    assert_eq!(service.calls()[0].body, expected);
}

#[tokio::test]
async fn one_bad_item_and_nothing_is_sent() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let good = r#"{"target":"t","arguments":[]}"#;
    for (bad, reason) in [
        (r#"{"target":"t","arguments":1}"#, "arguments are not a JSON array"),
        (r#"{"target":"t","arguments":[],"groupname":"g"}"#, "unknown field `groupname`"),
        (r#"{"target":"","arguments":[]}"#, "target is empty"),
        (r#"["t",[]]"#, "must be a JSON object"),
    ] {
        let (status, problem) = app.post_json(PATH, format!("[{good},{good},{bad}]")).await;
        assert_eq!((status, &problem["index"]), (400, &json!(2)));
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
    }
    assert_eq!(service.calls(), []);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_nothing_is_sent() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let many = format!("[{}]", vec![r#"{"target":"t","arguments":[]}"#; 101].join(","));
    let large = format!(r#"{{"target":"t","arguments":["{}"]}}"#, "x".repeat(1024 * 1024));
    let bodies: [(Vec<u8>, u16); 8] = [
        (b"".to_vec(), 400),
        (b"[]".to_vec(), 400),
        (b"[[]]".to_vec(), 400),
        (b"{\"target\":\"t\"".to_vec(), 400),
        (b"{\"target\":\"\xff\",\"arguments\":[]}".to_vec(), 400),
        (b"target=t&arguments=[]".to_vec(), 400),
        (many.into_bytes(), 413),
        (large.into_bytes(), 413),
    ];
    for (body, expected) in bodies {
        let (status, problem) = app.post_json(PATH, body).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem["detail"].is_string(), "{problem}");
    }
    let good = r#"{"target":"t","arguments":[]}"#;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = Request::post(PATH).header("content-type", content_type);
        let (status, ..) = app.send(request.body(Body::from(good)).unwrap()).await;
        assert_eq!(status, 415, "{content_type}");
    }
    assert_eq!(service.calls(), []);
}

#[tokio::test]
async fn callers_without_the_key_and_foreign_pages_send_nothing() {
    let service = StandIn::taking_all().await;
    let locked = app(service.address, &[("FUNCTION_KEY", "right")]).await;
    let good = r#"{"target":"t","arguments":[]}"#;
    assert_eq!(locked.post_json(PATH, good).await.0, 401);
    assert_eq!(locked.post_json(&format!("{PATH}?code=wrong"), good).await.0, 401);
    let open = app(service.address, &[]).await;
    let request = Request::post(PATH).header("content-type", "application/json");
    let page = request.header("origin", "https://evil.test").body(Body::from(good));
    assert_eq!(open.send(page.unwrap()).await.0, 403);
    assert_eq!(service.calls(), []);

    assert_eq!(locked.post_json(&format!("{PATH}?code=right"), good).await.0, 202);
    assert_eq!(service.calls().len(), 1);
}

#[tokio::test]
async fn the_first_refusal_ends_it_and_every_item_is_told_of() {
    let service = StandIn::start(|call| match call.body.contains("second") {
        true => (401, "Unauthorized"),
        false => (202, ""),
    });
    let service = service.await;
    let app = app(service.address, &[]).await;
    let message = |target: &str| json!({ "target": target, "arguments": [] });
    let body = json!([message("first"), message("second"), message("third")]);
    let (status, problem) = app.post_json(PATH, body.to_string()).await;
    assert_eq!(status, 502);
    assert_eq!(statuses(&problem), [202, 502, 424]);
    let reason = problem["results"][1]["detail"].as_str().unwrap();
    assert!(reason.contains("401") && reason.contains("access key"), "{reason}");
    assert_eq!(service.calls().len(), 2);
}

#[tokio::test]
async fn a_service_out_of_reach_is_502() {
    let app = app(nobody().await, &[]).await;
    let (status, problem) = app.post_json(PATH, r#"{"target":"t","arguments":[]}"#).await;
    assert_eq!(status, 502);
    assert_eq!(statuses(&problem), [502]);
    assert!(problem["detail"].as_str().unwrap().contains("cannot connect to 127.0.0.1:"));
}

fn statuses(problem: &Value) -> Vec<u64> {
    let results = problem["results"].as_array().unwrap();
    results.iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn names_that_no_url_can_carry_are_found_before_anything_is_sent() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let good = r#"{"target":"t","arguments":[]}"#;
    for (recipient, what) in [
        (r#""userId":".""#, "user id is '.'"),
        (r#""groupName":"..""#, "group name is '.' or '..'"),
        (r#""connectionId":"..""#, "connection id is '.'"),
    ] {
        let bad = format!(r#"{{"target":"t","arguments":[],{recipient}}}"#);
        let (status, problem) = app.post_json(PATH, bad.clone()).await;
        assert_eq!((status, &problem["index"]), (400, &Value::Null), "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(what), "{problem}");
        let (status, problem) = app.post_json(PATH, format!("[{good},{bad}]")).await;
        assert_eq!((status, &problem["index"]), (400, &json!(1)), "{problem}");
    }
    assert_eq!(service.calls(), []);
}
