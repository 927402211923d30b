//! Bytes of apps that are no messages, or say what cannot be. The app is cut; nobody else sees anything
//! of it.

use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt, stream};
use serde_json::{Value, json};
use signalr_server_protocol::{ConnectionKind, HandshakeRequest, Message};
use signalr_serverless::Token;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::{
    app::{App, dial_with},
    clients::arrive,
    service::{Client, Running, key, start},
};

/// The hub of the bystanders.
const HUB: &str = "chat";
/// How many apps are bad at once.
const AT_ONCE: usize = 16;
/// After so many bad apps the bystanders speak, so that they are not silent for too long.
const BETWEEN_WORDS: usize = 200;

/// Each message as Microsoft's library writes it: the bytes of its length, and its body.
fn vectors() -> Vec<(Vec<u8>, Vec<u8>)> {
    let file: Value =
        serde_json::from_str(include_str!("../../../server-protocol/tests/server-vectors.json"))
            .unwrap();
    let split = |one: &Value| {
        let mut length = base16ct::lower::decode_vec(one["hex"].as_str().unwrap()).unwrap();
        let end = length.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let body = length.split_off(end);
        (length, body)
    };
    file["messages"].as_array().unwrap().iter().map(split).collect()
}

/// A body with its true length in front.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut length = body.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend_from_slice(body);
    bytes
}

/// An app and its client, who notice nothing of what others do.
struct Bystanders {
    app: App,
    client: Client,
    id: String,
}

impl Bystanders {
    async fn meet(service: &Running) -> Self {
        let mut app = App::connect(service, "good", ConnectionKind::Default).await;
        let mut client = arrive(service, None, &[]).await;
        let id = app.accept().await;
        client.next().await;
        Self { app, client, id }
    }

    /// Both ways are as they were, and nothing else came.
    async fn are_well(&mut self) {
        let call = json!({ "type": 1, "target": "x", "arguments": [] });
        self.client.send(&call).await;
        assert_eq!(self.app.data().await.0, self.id);
        self.app.say(&self.id, format!("{call}\u{1e}")).await;
        assert_eq!(self.client.next().await, call);
    }
}

/// One token for many apps of a hub.
fn token(service: &Running, hub: &str) -> String {
    let audience = format!("http://{}/server/?hub={hub}", service.host);
    let token = Token::rest(&key(), &audience, Duration::from_secs(600), SystemTime::now());
    token.unwrap().as_str().to_owned()
}

async fn bad_app(service: &Running, hub: &str, token: &str) -> App {
    let mut app = dial_with(service, hub, "bad", token).await.unwrap();
    app.send(HandshakeRequest::new(ConnectionKind::Weak)).await;
    assert!(matches!(app.next().await, Message::HandshakeResponse(one) if one.is_accepted()));
    app
}

/// Sends each to the service by an app of its own, which is cut.
async fn each_is_cut(service: &Running, hub: &str, all: impl IntoIterator<Item = Vec<u8>>) {
    let token = token(service, hub);
    let cut = |bytes: Vec<u8>| {
        let token = &token;
        async move {
            let mut app = bad_app(service, hub, token).await;
            app.send_bytes(bytes).await;
            // Some are answered before they end.
            while app.try_next().await.is_some() {}
        }
    };
    stream::iter(all).map(cut).buffer_unordered(AT_ONCE).for_each(async |()| ()).await;
}

#[tokio::test]
async fn each_part_of_each_message_that_claims_to_be_all_of_it_ends_the_connection() {
    let service = start().await;
    let mut bystanders = Bystanders::meet(&service).await;
    let parts = |(_, body): (Vec<u8>, Vec<u8>)| {
        (0..body.len()).map(|end| framed(&body[..end])).collect::<Vec<_>>()
    };
    let parts: Vec<_> = vectors().into_iter().flat_map(parts).collect();
    for some in parts.chunks(BETWEEN_WORDS) {
        each_is_cut(&service, HUB, some.to_vec()).await;
        bystanders.are_well().await;
    }
}

#[tokio::test]
async fn each_message_that_ends_before_its_length_does_nothing() {
    let service = start().await;
    let mut bystanders = Bystanders::meet(&service).await;
    let token = &token(&service, HUB);
    let parts = |(length, body): (Vec<u8>, Vec<u8>)| {
        let whole = [length, body].concat();
        (1..whole.len()).map(|end| whole[..end].to_vec()).collect::<Vec<_>>()
    };
    let send = |part: Vec<u8>| {
        let service = &service;
        async move {
            let mut app = bad_app(service, HUB, token).await;
            app.send_bytes(part.clone()).await;
            app.socket.close(None).await.unwrap();
            assert!(app.try_next().await.is_none(), "{part:x?}");
        }
    };
    let parts: Vec<_> = vectors().into_iter().flat_map(parts).collect();
    for some in parts.chunks(BETWEEN_WORDS) {
        let sent = stream::iter(some.to_vec()).map(send).buffer_unordered(AT_ONCE);
        sent.for_each(async |()| ()).await;
        bystanders.are_well().await;
    }
}

#[tokio::test]
async fn each_whole_message_leaves_others_as_they_were() {
    let service = start().await;
    let mut bystanders = Bystanders::meet(&service).await;
    let token = token(&service, HUB);
    let mut app = None;
    for (length, body) in vectors() {
        let mut sending = match app.take() {
            Some(app) => app,
            None => bad_app(&service, HUB, &token).await,
        };
        // What is for everyone is none of this.
        if body[1] != 10
            && sending.socket.send(Frame::binary([length, body].concat())).await.is_ok()
        {
            app = Some(sending);
        }
    }
    bystanders.are_well().await;
}

#[tokio::test]
async fn lengths_that_lie_end_the_connection() {
    let service = start().await;
    let mut bystanders = Bystanders::meet(&service).await;
    let mut lies = vec![
        // 2 GiB, 16 MiB and a byte, and a length of six groups are announced.
        b"\xff\xff\xff\xff\x07".to_vec(),
        b"\x81\x80\x80\x08".to_vec(),
        b"\xff\xff\xff\xff\xff\xff".to_vec(),
        // Bodies that say that more is in them than there is: an array, a text, bytes, a map.
        framed(b"\xdd\xff\xff\xff\xff\x03"),
        framed(b"\x92\x03\xdb\xff\xff\xff\xff"),
        framed(b"\x94\x06\xa1c\xc6\x7f\xff\xff\xff\x80"),
        framed(b"\x94\x0a\x90\xdf\xff\xff\xff\xff\x80"),
        framed(b"\x96\x04\xa1c\xdf\x7f\xff\xff\xff\x80\xa0\x80"),
        // Lists in lists, deeper than any reader goes.
        framed(&[0x91; 100_000]),
    ];
    // Each message with a length that is one too short or too long, and bytes that are not a length behind it.
    for (_, body) in vectors() {
        for wrong in [body.len() - 1, body.len() + 1] {
            let mut bytes = framed(&vec![0; wrong]);
            bytes.truncate(bytes.len() - wrong);
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(&[0xff; 8]);
            lies.push(bytes);
        }
    }
    // What is whole among them is done, and some of it is for everyone.
    each_is_cut(&service, "other", lies).await;
    assert!(service.counters.queued_bytes() < 1024 * 1024);
    bystanders.are_well().await;
}
