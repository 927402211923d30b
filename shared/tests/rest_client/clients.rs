//! What clients answer: invocations and streams.

use serde_json::{Value, json, value::RawValue};
use signalr_serverless::{
    ConnectionId, Error, Fault, StreamId,
    rest::{Connection, Message},
};

use crate::server::{Reply, Server, json as json_reply, status};

fn connection(server: &Server) -> Connection {
    server.hub().connection(ConnectionId::parse("c").unwrap())
}

fn question() -> Message {
    Message::new("ask", &(1,)).unwrap()
}

async fn answering(body: &str) -> Server {
    let body = body.to_owned();
    Server::start(move |_| json_reply(body.clone())).await
}

async fn refusing(status: u16, code: &'static str, message: &str) -> Server {
    let body = format!(r#"{{"code":"x","message":"{message}"}}"#);
    Server::start(move |_| Reply::Http(status, code, body.clone())).await
}

#[tokio::test]
async fn a_result_is_read_as_the_type_that_is_asked_for() {
    let mut server = answering(r#"{"result":{"name":"ann","age":12345678901234567890}}"#).await;
    let result: Value = connection(&server).invoke(&question()).await.unwrap();
    assert_eq!(result, json!({"name": "ann", "age": 12_345_678_901_234_567_890_u64}));
    assert_eq!(server.request().body, r#"{"target":"ask","arguments":[1]}"#);

    let server = answering(r#"{"result":"ann"}"#).await;
    let result: Option<String> = connection(&server).invoke(&question()).await.unwrap();
    assert_eq!(result.as_deref(), Some("ann"));

    let server = answering(r#"{"result": 1.0e2}"#).await;
    let result: Box<RawValue> = connection(&server).invoke(&question()).await.unwrap();
    assert_eq!(result.get(), "1.0e2");
}

#[tokio::test]
async fn a_client_that_returns_nothing_is_none() {
    for body in ["{}", r#"{"result":null}"#, r#"{"protocol":"json"}"#] {
        let server = answering(body).await;
        let connection = connection(&server);
        assert_eq!(connection.invoke::<Option<String>>(&question()).await.unwrap(), None);
        connection.invoke::<()>(&question()).await.unwrap();
        let error = connection.invoke::<String>(&question()).await.unwrap_err();
        assert!(error.to_string().contains("the client's result: invalid type: null"), "{error}");
    }
}

#[tokio::test]
async fn a_result_of_another_type_is_an_error() {
    for body in ["", "[]", r#"{"result":"one"}"#] {
        let server = answering(body).await;
        let error = connection(&server).invoke::<u8>(&question()).await.unwrap_err();
        assert!(matches!(error, Error::InvalidReply { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_answer_well_is_an_error_of_its_own() {
    let failed = "x-ms-error-code: Error.Invocation.Failed\r\n";
    let server = refusing(400, failed, "no such method").await;
    let error = connection(&server).invoke::<()>(&question()).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Client);
    assert!(
        matches!(&error, Error::InvocationFailed { message, .. } if message == "no such method")
    );
    let said = "the invocation of the connection c failed: no such method";
    assert_eq!(error.to_string(), said);

    let late = "x-ms-error-code: Error.Invocation.Timeout\r\n";
    let server = refusing(504, late, "").await;
    let error = connection(&server).invoke::<()>(&question()).await.unwrap_err();
    assert!(matches!(error, Error::InvocationTimedOut { .. }), "{error}");

    for gone in ["Error.Connection.NotExisted", "warning.connection.notexisted"] {
        let code: &'static str = format!("x-ms-error-code: {gone}\r\n").leak();
        let server = refusing(404, code, "").await;
        let error = connection(&server).invoke::<()>(&question()).await.unwrap_err();
        assert_eq!(error.to_string(), "the connection c is gone");
    }
}

#[tokio::test]
async fn other_failures_of_an_invocation_stay_what_they_are() {
    for refused in [404, 400, 504] {
        let server = Server::start(move |_| status(refused)).await;
        let error = connection(&server).invoke::<()>(&question()).await.unwrap_err();
        let Error::Refused(refusal) = error else { panic!("{error}") };
        assert_eq!(refusal.status, refused);
    }
}

#[tokio::test]
async fn a_stream_has_items_and_an_end() {
    let mut server = Server::start(|_| status(202)).await;
    let stream = connection(&server).stream(StreamId::parse("s/1").unwrap());
    stream.send(&json!({"a": 1})).await.unwrap();
    stream.send("text").await.unwrap();
    stream.clone().send_last(&[1, 2]).await.unwrap();
    stream.clone().complete(None).await.unwrap();
    stream.complete(Some("a&b")).await.unwrap();

    let path = "/api/hubs/chat/connections/c/streams/s%2F1";
    for (target, body) in [
        (format!("{path}/:send?api-version=2024-12-01"), r#"{"a":1}"#),
        (format!("{path}/:send?api-version=2024-12-01"), r#""text""#),
        (format!("{path}/:send?api-version=2024-12-01&completed=true"), "[1,2]"),
        (format!("{path}/:complete?api-version=2024-12-01"), ""),
        (format!("{path}/:complete?api-version=2024-12-01&reason=a%26b"), ""),
    ] {
        let request = server.request();
        assert_eq!((request.target.as_str(), request.body.as_str()), (target.as_str(), body));
    }
}

#[tokio::test]
async fn a_stream_to_a_client_that_is_gone_is_an_error() {
    let server = refusing(404, "x-ms-error-code: Error.Connection.NotExisted\r\n", "").await;
    let stream = connection(&server).stream(StreamId::parse("1").unwrap());
    for result in [
        stream.send(&1).await,
        stream.clone().send_last(&1).await,
        stream.clone().complete(None).await,
    ] {
        assert!(matches!(result, Err(Error::ConnectionGone { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn an_item_that_makes_no_json_is_not_sent() {
    let server = Server::start(|_| status(202)).await;
    let stream = connection(&server).stream(StreamId::parse("1").unwrap());
    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    let error = stream.send(&no_json).await.unwrap_err();
    assert!(matches!(error, Error::Unserializable(_)), "{error}");
    assert_eq!(server.connections(), 0);
}
