use futures_util::SinkExt;
use serde_json::json;
use signalr_service::{ClientMessages, Config};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::client::{Client, PATIENCE, Running, in_time, refusal, start, start_with};

#[tokio::test]
async fn an_id_leads_to_one_connection() {
    let service = start().await;
    assert_eq!(refusal(&service.connect_url("chat", None, "unknown")).await.0, 404);
    let negotiation = service.negotiate("chat", Some("ann")).await;
    let token = negotiation["connectionToken"].as_str().unwrap();
    assert_eq!(refusal(&service.connect_url("chat", Some("bob"), token)).await.0, 403);
    let url = service.connect_url("chat", Some("ann"), token);
    let mut first = Client::open(&url).await;
    first.shake_hands().await;
    assert_eq!(refusal(&url).await.0, 409);
    first.socket.close(None).await.unwrap();
    first.ended().await;
    // The end of the first is the moment in which the id is forgotten.
    in_time(async {
        while refusal(&url).await.0 == 409 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(refusal(&url).await.0, 404);
}

#[tokio::test]
async fn negotiation_may_be_skipped() {
    let service = start().await;
    let token = service.client_token("chat", None);
    let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
    let mut client = Client::open(&url).await;
    client.shake_hands().await;
    service.broadcast(json!(["hi"])).await;
    assert_eq!(client.arguments().await, json!(["hi"]));
}

#[tokio::test]
async fn a_handshake_in_the_same_packet_as_the_upgrade_is_read() {
    let service = start().await;
    let mut socket =
        raw_upgrade(&service, &frame(0x81, b"{\"protocol\":\"json\",\"version\":1}\x1e")).await;
    let mut reply = [0; 5];
    timeout(PATIENCE, socket.read_exact(&mut reply)).await.unwrap().unwrap();
    assert_eq!(&reply, b"\x81\x03{}\x1e");
}

#[tokio::test]
async fn a_ping_is_answered() {
    let service = start().await;
    let mut client = service.connect(None).await;
    client.socket.send(Message::Ping(Bytes::from_static(b"are you there"))).await.unwrap();
    assert_eq!(client.frame().await, Some(Message::Pong(Bytes::from_static(b"are you there"))));
}

#[tokio::test]
async fn a_client_with_much_in_its_queue_may_ping() {
    // More than the longest message of a client, and less than the bound of a queue.
    const MESSAGES: usize = 110;
    let service = start().await;
    let mut socket =
        raw_upgrade(&service, &frame(0x81, b"{\"protocol\":\"json\",\"version\":1}\x1e")).await;
    let mut reply = [0; 5];
    timeout(PATIENCE, socket.read_exact(&mut reply)).await.unwrap().unwrap();
    for _ in 0..MESSAGES {
        service.broadcast(json!(["x".repeat(64 * 1024)])).await;
    }
    socket.write_all(&frame(0x89, b"are you there")).await.unwrap();
    service.broadcast(json!(["the last one"])).await;
    let mut came = Vec::new();
    let all = async {
        while !came.ends_with(b"[\"the last one\"]}\x1e") {
            assert!(socket.read_buf(&mut came).await.unwrap() > 0, "closed after {}", came.len());
        }
    };
    timeout(PATIENCE, all).await.unwrap();
}

#[tokio::test]
async fn what_breaks_the_rules_ends_that_connection_alone() {
    let service = start().await;
    let mut other = service.connect(None).await;
    let mut unmasked = frame(0x81, b"hi");
    unmasked[1] &= 0x7f;
    for (bytes, code) in [
        (unmasked, 1002_u16),
        (frame(0xc1, b"hi"), 1002),
        (frame(0x83, b"hi"), 1002),
        (frame(0x80, b"hi"), 1002),
        (frame(0x81, b"\xff"), 1007),
        ([&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat(), 1009),
    ] {
        let mut socket = raw_upgrade(&service, &bytes).await;
        let mut reply = Vec::new();
        timeout(PATIENCE, socket.read_to_end(&mut reply)).await.unwrap().unwrap();
        assert_eq!(reply[0], 0x88, "{bytes:?}");
        assert_eq!(reply[2..4], code.to_be_bytes(), "{bytes:?}");
    }
    service.broadcast(json!([1])).await;
    assert_eq!(other.arguments().await, json!([1]));
}

#[tokio::test]
async fn a_bad_handshake_is_answered_with_its_error() {
    let service = start().await;
    let token = service.client_token("chat", None);
    let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
    for (handshake, error) in [
        (json!({ "protocol": "x", "version": 1 }), "The protocol 'x' is not supported."),
        (
            json!({ "protocol": "json", "version": 9 }),
            "The server does not support version 9 of the 'json' protocol.",
        ),
    ] {
        let mut client = Client::open(&url).await;
        client.send(&handshake).await;
        assert_eq!(client.next().await, json!({ "error": error }));
        client.ended().await;
    }
}

#[tokio::test]
async fn a_client_that_sends_is_told_that_nobody_listens() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let call = json!({ "type": 1, "invocationId": "0", "target": "say", "arguments": [] });
    client.send(&call).await;
    let completion = client.next().await;
    assert_eq!((&completion["type"], &completion["invocationId"]), (&json!(3), &json!("0")));
    assert!(completion["error"].as_str().unwrap().contains("'say' was not called"));
    let close = client.closed().await;
    assert!(close["error"].as_str().unwrap().contains("no upstream"), "{close}");
    assert_eq!(close.get("allowReconnect"), None);
}

#[tokio::test]
async fn what_clients_send_may_be_ignored() {
    let config = Config { client_messages: ClientMessages::Ignore, ..Config::default() };
    let service = start_with(config).await;
    let mut client = service.connect(None).await;
    client.send(&json!({ "type": 1, "target": "say", "arguments": [] })).await;
    service.broadcast(json!(["still here"])).await;
    assert_eq!(client.arguments().await, json!(["still here"]));
}

/// A masked frame from a client, shorter than 126 bytes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    bytes.extend_from_slice(payload);
    bytes
}

/// Sends an upgrade with bytes right behind it, and reads the answer's head.
async fn raw_upgrade(service: &Running, behind: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(&service.host).await.unwrap();
    let request = format!(
        "GET /client/?hub=chat&access_token={} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        service.client_token("chat", None),
        service.host
    );
    socket.write_all(&[request.as_bytes(), behind].concat()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, socket.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    socket
}
