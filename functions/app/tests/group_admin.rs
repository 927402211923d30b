//! Group-admin over HTTP: the requests to the service, and the answers to callers.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod harness;

use harness::{Call, Reply, StandIn, app};
use serde_json::json;

const PATH: &str = "/api/group-admin";

#[tokio::test]
async fn every_action_becomes_its_call() {
    let service = StandIn::start(|_| (200, "")).await;
    let app = app(service.address, &[("SIGNALR_APPLICATION", "shop")]).await;
    let body = json!([
        { "action": "add", "groupName": "g", "userId": "u", "ttl": 60 },
        { "action": "add", "groupName": "g", "connectionId": "c", "userId": "u" },
        { "action": "remove", "groupName": "g", "userId": "u" },
        { "action": "remove", "groupName": "g", "connectionId": "c" },
        { "action": "removeAll", "userId": "u" },
        { "action": "removeAll", "connectionId": "c" },
    ]);
    let (status, answer) = app.post_json(PATH, body.to_string()).await;
    assert_eq!((status, &answer), (200, &json!({ "results": vec![json!({ "status": 200 }); 6] })));
    let expected = [
        "PUT /users/u/groups/g?ttl=60",
        "PUT /groups/g/connections/c?",
        "DELETE /users/u/groups/g?",
        "DELETE /groups/g/connections/c?",
        "DELETE /users/u/groups?",
        "DELETE /connections/c/groups?",
    ];
    let lines: Vec<_> = service
        .lines()
        .iter()
        .map(|line| {
            line.replace("/api/hubs/shop_chat", "")
                .replace("api-version=2024-12-01&", "")
                .replace("api-version=2024-12-01", "")
        })
        .collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn checks_tell_what_is_there() {
    let service = StandIn::start(|call: &Call| -> Reply {
        match call.line.as_str() {
            line if line.contains("absent/groups/") => (404, "Info.User.NotInGroup"),
            line if line.contains("users/absent") => (404, "Warning.User.NotExisted"),
            line if line.contains("groups/absent") => (404, "Warning.Group.NotExisted"),
            line if line.contains("connections/absent") => (404, "Warning.Connection.NotExisted"),
            _ => (200, ""),
        }
    });
    let app = app(service.await.address, &[]).await;
    let check = |id: &str| {
        json!([
            { "action": "check", "groupName": "g", "userId": id },
            { "action": "check", "groupName": id },
            { "action": "check", "userId": id },
            { "action": "check", "connectionId": id },
        ])
        .to_string()
    };
    for (id, there) in [("absent", false), ("there", true)] {
        let (status, answer) = app.post_json(PATH, check(id)).await;
        let result = json!({ "status": 200, "exists": there });
        assert_eq!((status, &answer), (200, &json!({ "results": vec![result; 4] })), "{id}");
    }
}

#[tokio::test]
async fn an_absent_connection_is_told_of_and_the_rest_is_done() {
    let service = StandIn::start(|call: &Call| {
        match (call.line.starts_with("HEAD"), call.line.contains("connections/absent")) {
            (true, true) => (404, "Warning.Connection.NotExisted"),
            (false, true) => (404, "Error.Connection.NotExisted"),
            (_, false) => (200, ""),
        }
    });
    let service = service.await;
    let app = app(service.address, &[]).await;
    let body = json!([
        { "action": "add", "groupName": "g", "connectionId": "absent" },
        { "action": "remove", "groupName": "g", "connectionId": "absent" },
        { "action": "removeAll", "connectionId": "absent" },
        { "action": "add", "groupName": "g", "userId": "u" },
    ]);
    let (status, answer) = app.post_json(PATH, body.to_string()).await;
    let absent = json!({ "status": 404, "detail": "connection 'absent' does not exist" });
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["results"], json!([absent, absent, absent, { "status": 200 }]));
}

#[tokio::test]
async fn a_404_that_is_not_the_services_is_502() {
    let app = app(StandIn::start(|_| (404, "")).await.address, &[]).await;
    for action in [
        json!({ "action": "remove", "groupName": "g", "connectionId": "c" }),
        json!({ "action": "check", "userId": "u" }),
    ] {
        let (status, problem) = app.post_json(PATH, action.to_string()).await;
        assert_eq!(status, 502, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("endpoint"), "{problem}");
    }
}

#[tokio::test]
async fn one_bad_action_and_nothing_is_done() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let body = json!([
        { "action": "add", "groupName": "g", "userId": "u" },
        { "action": "add", "groupName": "g", "connectionId": "c", "ttl": 5 },
    ]);
    let (status, problem) = app.post_json(PATH, body.to_string()).await;
    assert_eq!((status, &problem["index"]), (400, &json!(1)));
    assert!(problem["detail"].as_str().unwrap().contains("ttl works only"), "{problem}");
    assert_eq!(service.calls(), []);
}

#[tokio::test]
async fn names_that_no_url_can_carry_are_found_before_anything_is_done() {
    let service = StandIn::taking_all().await;
    let app = app(service.address, &[]).await;
    let good = r#"{"action":"add","userId":"ann","groupName":"g"}"#;
    for bad in [
        r#"{"action":"add","userId":".","groupName":"g"}"#,
        r#"{"action":"removeAll","connectionId":".."}"#,
        r#"{"action":"check","groupName":".."}"#,
        r#"{"action":"list","groupName":"."}"#,
    ] {
        let (status, problem) = app.post_json(PATH, format!("[{good},{bad}]")).await;
        assert_eq!((status, &problem["index"]), (400, &json!(1)), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("which no URL can carry"), "{problem}");
    }
    assert_eq!(service.calls(), []);
}
