//! Clients' calls of methods, and what comes back.

use futures_util::SinkExt;
use http::StatusCode;
use serde_json::{Value, json};
use signalr_service::{ClientMessages, Config, upstream::Settings};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Client, Running, in_time, start_with},
    stand_in::StandIn,
    start,
};

fn call(id: &str, target: &str) -> Value {
    json!({ "type": 1, "invocationId": id, "target": target, "arguments": [] })
}

async fn connect(service: &Running, upstream: &mut StandIn) -> Client {
    let client = service.connect(None).await;
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("connected"));
    client
}

#[tokio::test]
async fn a_call_arrives_to_the_letter_and_so_does_its_answer() {
    let (service, mut upstream) = start().await;
    let mut client = connect(&service, &mut upstream).await;
    let completion =
        "{\"type\":3,\"invocationId\":\"7\",\"result\":12345678901234567890123.0}\u{1e}";
    upstream.will_answer(completion);
    let message = r#"{"target":"s/é","type":1,"arguments":[1.0, 12345678901234567890123],"invocationId":"7"}"#;
    client.send_text(format!("{message}\u{1e}")).await;
    let call = upstream.next().await;
    assert_eq!(call.line, "POST /messages/s%2F%C3%A9");
    assert_eq!(call.header("x-asrs-event"), Some("s/é"));
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(call.text(), message);
    assert_eq!(client.text().await, completion);
}

#[tokio::test]
async fn answers_of_every_kind_reach_the_client() {
    let (service, mut upstream) = start().await;
    let mut client = connect(&service, &mut upstream).await;
    upstream.will_answer(StatusCode::NO_CONTENT);
    upstream.will_answer((StatusCode::NOT_FOUND, "no such method"));
    upstream.will_answer("[1,2]");
    for id in ["0", "1", "2"] {
        client.send(&call(id, "send")).await;
    }
    assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "0" }));
    let error = "Invocation failed, status code 404";
    assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "1", "error": error }));
    assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "2", "result": [1, 2] }));
}

#[tokio::test]
async fn a_send_gets_nothing_back() {
    let (service, mut upstream) = start().await;
    let mut client = connect(&service, &mut upstream).await;
    upstream.will_answer(StatusCode::INTERNAL_SERVER_ERROR);
    upstream.will_answer("ignored");
    for _ in 0..2 {
        client.send(&json!({ "type": 1, "target": "send", "arguments": [] })).await;
    }
    client.send(&call("0", "last")).await;
    assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "0" }));
}

#[tokio::test]
async fn a_message_pack_client_is_told_and_answered_in_message_pack() {
    let (service, mut upstream) = start().await;
    let token = service.client_token("chat", None);
    let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
    let mut client = Client::open(&url).await;
    client.send(&json!({ "protocol": "messagepack", "version": 1 })).await;
    let accepted = client.frame().await.unwrap().into_data();
    assert_eq!(&accepted[..], b"{}\x1e");
    assert_eq!(upstream.next().await.header("content-type"), Some("application/json"));

    let invocation = b"\x96\x01\x80\xa17\xa4send\x91\xcb\x3f\xf0\0\0\0\0\0\0\x90";
    let framed = [&[invocation.len() as u8], &invocation[..]].concat();
    // A result that JSON has no form for.
    let completion = b"\x0c\x95\x03\x80\xa17\x03\xd6\xff\0\0\0\x01";
    upstream.will_answer(&completion[..]);
    client.socket.send(Message::binary(framed)).await.unwrap();
    let call = upstream.next().await;
    assert_eq!(call.header("content-type"), Some("application/x-msgpack"));
    assert_eq!(&call.body[..], invocation);
    let answer = in_time(async {
        loop {
            let frame = client.frame().await.unwrap().into_data();
            // Pings come in between.
            if frame[..] != *b"\x02\x91\x06" {
                return frame;
            }
        }
    })
    .await;
    assert_eq!(answer[..], completion[..]);
}

#[tokio::test]
async fn a_clients_calls_wait_for_each_other_and_for_nobody_elses() {
    let (service, mut upstream) = start().await;
    let mut slow = connect(&service, &mut upstream).await;
    let mut quick = connect(&service, &mut upstream).await;
    let held = upstream.will_wait();
    slow.send(&call("0", "first")).await;
    slow.send(&call("1", "second")).await;
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("first"));
    quick.send(&call("0", "third")).await;
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("third"));
    assert_eq!(quick.next().await["invocationId"], "0");
    held.send(axum::response::IntoResponse::into_response("1")).unwrap();
    assert_eq!(upstream.next().await.header("x-asrs-event"), Some("second"));
    assert_eq!(slow.next().await, json!({ "type": 3, "invocationId": "0", "result": 1 }));
    assert_eq!(slow.next().await["invocationId"], "1");
}

#[tokio::test]
async fn a_client_that_calls_without_end_is_closed_and_others_are_not() {
    let (service, mut upstream) = start().await;
    let mut flood = connect(&service, &mut upstream).await;
    let mut other = connect(&service, &mut upstream).await;
    let _held = upstream.will_wait();
    for id in 0..200 {
        let message = call(&id.to_string(), "send").to_string();
        // The service may have closed the connection by now.
        if flood.socket.send(Message::text(format!("{message}\u{1e}"))).await.is_err() {
            break;
        }
    }
    let close = flood.closed().await;
    assert!(close["error"].as_str().unwrap().contains("faster than its upstream"), "{close}");
    other.send(&call("0", "send")).await;
    assert_eq!(other.next().await, json!({ "type": 3, "invocationId": "0" }));
}

#[tokio::test]
async fn a_call_that_no_template_is_for_is_refused() {
    let text = |url: &str| {
        json!({ "UpstreamSettings": { "Templates": [
            { "UrlTemplate": format!("{url}/{{event}}"), "HubPattern": "chat", "EventPattern": "send" },
        ] } })
        .to_string()
    };
    for (client_messages, target) in [
        (ClientMessages::Close, "other"),
        (ClientMessages::Ignore, "other"),
        (ClientMessages::Ignore, "Send"),
    ] {
        let mut upstream = StandIn::start().await;
        let (_, settings) = watch::channel(Settings::parse(&text(&upstream.url)).unwrap());
        let config = Config { client_messages, upstream: Some(settings), ..Config::default() };
        let service = start_with(config).await;
        let mut client = service.connect(None).await;
        client.send(&call("0", "send")).await;
        assert_eq!(upstream.next().await.line, "POST /send");
        assert_eq!(client.next().await, json!({ "type": 3, "invocationId": "0" }));
        client.send(&call("1", target)).await;
        let refused = client.next().await;
        assert_eq!(refused["invocationId"], "1");
        let error = refused["error"].as_str().unwrap();
        let expected = format!("'{target}' was not called: no template in the settings");
        assert!(error.starts_with(&expected), "{refused}");
        if client_messages == ClientMessages::Close {
            client.closed().await;
        } else {
            client.send(&call("2", "send")).await;
            assert_eq!(upstream.next().await.line, "POST /send");
        }
    }
}

#[tokio::test]
async fn no_target_leads_to_another_place() {
    let (service, mut upstream) = start().await;
    for target in ["..", ".", "a\u{7f}\n"] {
        let mut client = connect(&service, &mut upstream).await;
        client.send(&call("0", target)).await;
        let refused = client.next().await["error"].as_str().unwrap().to_owned();
        assert!(refused.contains("cannot carry this name"), "{target:?}: {refused}");
        client.closed().await;
        assert_eq!(upstream.next().await.line, "POST /connections/disconnected");
    }
    let mut client = connect(&service, &mut upstream).await;
    client.send(&call("0", "../../x?y#z")).await;
    assert_eq!(upstream.next().await.line, "POST /messages/..%2F..%2Fx%3Fy%23z");
}
