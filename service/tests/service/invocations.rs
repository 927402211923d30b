use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use signalr_service::{ClientMessages, Config, Timeouts};

use crate::client::{Client, Running, start, start_with};

async fn invoke(service: &Running, connection: &str) -> Response {
    let path = format!("/api/hubs/chat/connections/{connection}/:invoke?api-version=2024-12-01");
    let body = json!({ "target": "ask", "arguments": ["?"] });
    service.call(Method::POST, &path).json(&body).send().await.unwrap()
}

async fn code(response: Response, status: StatusCode) -> String {
    assert_eq!(response.status(), status);
    response.headers()["x-ms-error-code"].to_str().unwrap().to_owned()
}

/// Answers one invocation.
async fn answer(client: &mut Client, fields: Value) {
    let call = client.next().await;
    assert_eq!((&call["type"], &call["target"]), (&json!(1), &json!("ask")));
    let mut completion = fields;
    completion["type"] = json!(3);
    completion["invocationId"] = call["invocationId"].clone();
    client.send(&completion).await;
}

#[tokio::test]
async fn a_result_comes_back_to_the_letter() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();
    let answer = async {
        let call = client.next().await;
        let completion = format!(
            "{{\"type\":3,\"invocationId\":{},\"result\":{{\"b\":1.0,\"a\":12345678901234567890}}}}\u{1e}",
            call["invocationId"]
        );
        client.send_text(completion).await;
    };
    let (response, ()) = tokio::join!(invoke(&service, &id), answer);
    assert_eq!(response.status(), StatusCode::OK);
    let expected = "{\"result\":{\"b\":1.0,\"a\":12345678901234567890}}";
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test]
async fn no_result_is_an_answer_too() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();
    let (response, ()) = tokio::join!(invoke(&service, &id), answer(&mut client, json!({})));
    assert_eq!(response.text().await.unwrap(), "{}");
    let null = json!({ "result": null });
    let (response, ()) = tokio::join!(invoke(&service, &id), answer(&mut client, null));
    assert_eq!(response.text().await.unwrap(), "{\"result\":null}");
}

#[tokio::test]
async fn each_failure_has_a_status_and_code_of_its_own() {
    let timeouts = Timeouts { invocation: Duration::from_millis(50), ..Timeouts::default() };
    let service = start_with(Config { timeouts, ..Config::default() }).await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();

    let silent = invoke(&service, &id).await;
    assert_eq!(code(silent, StatusCode::GATEWAY_TIMEOUT).await, "Error.Invocation.Timeout");
    // An answer that comes too late harms nobody.
    answer(&mut client, json!({ "result": 1 })).await;

    let error = json!({ "error": "I will not" });
    let (failed, ()) = tokio::join!(invoke(&service, &id), answer(&mut client, error));
    let detail: Value = failed.json().await.unwrap();
    assert_eq!(detail["code"], "Error.Invocation.Failed");
    assert!(detail["message"].as_str().unwrap().contains("I will not"));

    let absent = invoke(&service, "nobody").await;
    assert_eq!(code(absent, StatusCode::NOT_FOUND).await, "Error.Connection.NotExisted");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_wait() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();
    let leave = async {
        client.next().await;
        drop(client);
    };
    let (response, ()) = tokio::join!(invoke(&service, &id), leave);
    assert_eq!(code(response, StatusCode::NOT_FOUND).await, "Error.Connection.NotExisted");
}

#[tokio::test]
async fn concurrent_invocations_get_each_its_own_answer() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();
    let answer_backwards = async {
        let first = client.next().await;
        let second = client.next().await;
        for call in [second, first] {
            let id = call["invocationId"].clone();
            client.send(&json!({ "type": 3, "invocationId": id, "result": id })).await;
        }
    };
    let (one, other, ()) =
        tokio::join!(invoke(&service, &id), invoke(&service, &id), answer_backwards);
    let one: Value = one.json().await.unwrap();
    let other: Value = other.json().await.unwrap();
    assert!(one["result"].is_string() && one != other, "{one} {other}");
}

#[tokio::test]
async fn a_stream_is_fed_by_rest() {
    let config = Config { client_messages: ClientMessages::Ignore, ..Config::default() };
    let service = start_with(config).await;
    let mut client = service.connect(None).await;
    client
        .send(&json!({ "type": 4, "invocationId": "s/1", "target": "count", "arguments": [] }))
        .await;
    let path = format!("/api/hubs/chat/connections/{}/streams/s%2F1", client.id);
    let send = format!("{path}/:send?api-version=2024-12-01");
    let end = format!("{path}/:complete?api-version=2024-12-01");
    let item = service.call(Method::POST, &send).json(&json!([1])).send().await.unwrap();
    assert_eq!(item.status(), StatusCode::ACCEPTED);
    assert_eq!(service.status(Method::POST, &end).await, StatusCode::ACCEPTED);
    assert_eq!(client.next().await, json!({ "type": 2, "invocationId": "s/1", "item": [1] }));
    assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "s/1" }));

    let too_long = "s".repeat(101);
    let id = &client.id;
    for (stream, query) in [("%20", ""), (too_long.as_str(), ""), ("1", "&completed=maybe")] {
        let path = format!(
            "/api/hubs/chat/connections/{id}/streams/{stream}/:send?api-version=2024-12-01{query}"
        );
        let response = service.call(Method::POST, &path).json(&json!(1)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{stream} {query}");
    }
    let absent = "/api/hubs/chat/connections/nobody/streams/1/:complete?api-version=2024-12-01";
    assert_eq!(service.status(Method::POST, absent).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn arguments_that_the_clients_protocol_cannot_say_are_answered_at_once() {
    let service = start().await;
    let negotiation = service.negotiate("chat", None).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    let mut client = Client::open(&service.connect_url("chat", None, token)).await;
    client.send_text("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}").await;
    client.frame().await.unwrap();
    let id = negotiation["connectionId"].as_str().unwrap();
    let path = format!("/api/hubs/chat/connections/{id}/:invoke?api-version=2024-12-01");
    let body = "{\"target\":\"ask\",\"arguments\":[1e400]}";
    let call = service.call(Method::POST, &path).header("content-type", "application/json");
    let refused = call.body(body).send().await.unwrap();
    assert_eq!(code(refused, StatusCode::FAILED_DEPENDENCY).await, "Error.Invocation.Failed");
}
