use std::time::Duration;

use futures_util::SinkExt;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use signalr_service::{ClientMessages, Config, Timeouts};
use tokio_tungstenite::tungstenite::Message;

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
    assert_eq!(failed.status(), StatusCode::BAD_REQUEST);
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
    assert_eq!(code(refused, StatusCode::BAD_REQUEST).await, "Error.Invocation.Failed");
}

/// Calls `ask` as Azure's newest SDK does: it takes the client's completion as it is.
async fn invoke_for_completion(service: &Running, connection: &str, body: Vec<u8>) -> Response {
    let path = format!("/api/hubs/chat/connections/{connection}/:invoke?api-version=2024-12-01");
    let call = service.call(Method::POST, &path).header("accept", "application/octet-stream");
    call.header("content-type", "application/octet-stream").body(body).send().await.unwrap()
}

fn encoded(protocols: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = protocols
        .iter()
        .map(|(name, frame)| (rmpv::Value::from(*name), rmpv::Value::Binary(frame.clone())));
    let mut body = Vec::new();
    rmpv::encode::write_value(&mut body, &rmpv::Value::Map(entries.collect())).unwrap();
    body
}

/// `[1, {}, nil, "ask", [bin(1), "?"], []]` with its length.
const ASK: &[u8] = b"\x0f\x96\x01\x80\xc0\xa3ask\x92\xc4\x01\x07\xa1?\x90";

#[tokio::test]
async fn a_caller_that_takes_completions_gets_them_byte_for_byte() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let id = client.id.clone();
    for fields in ["\"result\": 1.0 ", "\"error\":\"I will not\""] {
        let answer = async {
            let call = client.next().await;
            let (id, target) = (&call["invocationId"], &call["target"]);
            assert_eq!((target, &call["arguments"]), (&json!("ask"), &json!(["Bw==", "?"])));
            let completion = format!("{{\"type\":3, \"invocationId\":{id},{fields}}}\u{1e}");
            client.send_text(completion.clone()).await;
            completion
        };
        let body = encoded(&[("messagepack", ASK.to_vec())]);
        let (response, completion) =
            tokio::join!(invoke_for_completion(&service, &id, body), answer);
        assert_eq!(response.status(), StatusCode::OK, "{fields}");
        assert_eq!(response.headers()["x-asrs-protocol"], "json");
        assert_eq!(response.headers()["content-type"], "application/octet-stream");
        assert_eq!(response.text().await.unwrap(), completion);
    }
}

#[tokio::test]
async fn a_message_pack_clients_completion_stays_message_pack() {
    let service = start().await;
    let negotiation = service.negotiate("chat", None).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    let mut client = Client::open(&service.connect_url("chat", None, token)).await;
    client.send_text("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}").await;
    client.frame().await.unwrap();
    let id = negotiation["connectionId"].as_str().unwrap();
    let answer = async {
        let Some(Message::Binary(call)) = client.frame().await else { panic!("no call") };
        // The arguments came as they were sent, bytes as bytes.
        assert!(call.ends_with(b"\xa3ask\x92\xc4\x01\x07\xa1?\x90"), "{call:?}");
        let id = rmpv::decode::read_value(&mut &call[1..]).unwrap()[2].clone();
        // A timestamp, which has no form in JSON.
        let time = rmpv::Value::Ext(-1, vec![0, 0, 0, 1]);
        let fields = vec![3.into(), rmpv::Value::Map(vec![]), id, 3.into(), time];
        let mut completion = vec![0];
        rmpv::encode::write_value(&mut completion, &rmpv::Value::Array(fields)).unwrap();
        completion[0] = completion.len() as u8 - 1;
        client.socket.send(Message::binary(completion.clone())).await.unwrap();
        completion
    };
    let body = encoded(&[("messagepack", ASK.to_vec())]);
    let (response, completion) = tokio::join!(invoke_for_completion(&service, id, body), answer);
    assert_eq!(response.headers()["x-asrs-protocol"], "messagepack");
    assert_eq!(response.bytes().await.unwrap(), completion);
    let empty = invoke_for_completion(&service, id, encoded(&[])).await;
    assert_eq!(code(empty, StatusCode::BAD_REQUEST).await, "Error.BadRequest");
}
