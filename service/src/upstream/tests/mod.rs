//! Event queues against an upstream over real HTTP.

use std::{num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use signalr_serverless::{AccessKey, ConnectionId, UserId, upstream::SignatureKeys};
use tokio::{net::TcpListener, sync::mpsc};

use self::stand_in::StandIn;
use super::*;
use crate::{
    identity::Identity, protocol::Protocol, records::Records, session::NotCalled, shard_of::ShardOf,
};

mod limits;
#[path = "../../../tests/upstream/stand_in.rs"]
mod stand_in;

fn keys() -> Vec<AccessKey> {
    ["first", "second"].map(|key| AccessKey::parse(key).unwrap()).into()
}

fn key_ring() -> KeyRing {
    KeyRing::new(&keys()).unwrap()
}

fn upstream(settings: Settings, limits: Limits) -> (Upstream, mpsc::Receiver<Reply>) {
    let (sender, mut ends) = Replies::new(ShardOf::new(NonZeroUsize::MIN));
    let (_, settings) = watch::channel(settings);
    let upstream = Upstream::new(settings, key_ring(), limits, http(), sender, Records::default());
    (upstream, ends.remove(0))
}

fn http() -> reqwest::Client {
    signalr_http_client::client(&signalr_http_client::Trust::default()).unwrap()
}

fn all_to(url: &str) -> (Upstream, mpsc::Receiver<Reply>) {
    upstream(Settings::all_to(url).unwrap(), Limits::default())
}

fn caller(user: Option<&str>) -> Caller {
    let identity = Identity {
        id: ConnectionId::parse("c1").unwrap(),
        hub: HubName::parse("chat").unwrap(),
        user: user.map(|user| UserId::parse(user).unwrap()),
    };
    Caller { identity: Arc::new(identity), claims: Vec::new(), query: String::new() }
}

fn invocation(id: Option<&str>, target: &str) -> Invocation {
    Invocation {
        invocation_id: id.map(str::to_owned),
        target: target.to_owned(),
        protocol: Protocol::Json,
        body: Bytes::from(format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[]}}")),
    }
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.completion).unwrap()
}

#[tokio::test]
async fn events_have_every_header_and_their_body() {
    let mut stand_in = StandIn::start().await;
    let url = format!("{}/api/{{hub}}/{{category}}/{{event}}?code=k", stand_in.url);
    let (upstream, _replies) = all_to(&url);
    let claims = [("sub", "ann"), ("name", "Änn"), ("bad", "a\nb"), ("role", "x")];
    let events = upstream.open(Caller {
        claims: claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        query: forwarded_query("hub=chat&access_token=secret&ID=t&a=%20b"),
        ..caller(Some("ann"))
    });
    let mut message_pack = invocation(None, "sénd it");
    message_pack.protocol = Protocol::MessagePack;
    message_pack.body = Bytes::from_static(b"\x91\x06");
    events.invoke(message_pack).unwrap();
    events.close(Some("gone"));

    let call = stand_in.next().await;
    assert_eq!(call.line, "POST /api/chat/connections/connected?code=k");
    assert_eq!(call.text(), r#"{"type":10}"#);
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-asrs-connection-id", "c1"),
        ("x-asrs-hub", "chat"),
        ("x-asrs-category", "connections"),
        ("x-asrs-event", "connected"),
        ("x-asrs-user-id", "ann"),
        ("x-asrs-client-query", "?hub=chat&a=%20b"),
    ] {
        assert_eq!(call.header(name), Some(value), "{name}");
    }
    let mut signing = SignatureKeys::default();
    keys().iter().for_each(|key| signing.add(key));
    let signature = signing.sign(&ConnectionId::parse("c1").unwrap());
    assert_eq!(call.header("x-asrs-signature"), Some(signature.as_str()));
    assert_eq!(call.header("x-asrs-user-claims"), Some("sub: ann, name: Änn, role: x"));

    let call = stand_in.next().await;
    assert_eq!(call.line, "POST /api/chat/messages/s%C3%A9nd%20it?code=k");
    assert_eq!(call.header("content-type"), Some("application/x-msgpack"));
    assert_eq!(call.header("x-asrs-category"), Some("messages"));
    assert_eq!(call.header("x-asrs-event"), Some("sénd it"));

    let call = stand_in.next().await;
    assert_eq!(call.line, "POST /api/chat/connections/disconnected?code=k");
    assert_eq!(call.text(), r#"{"type":11,"error":"gone"}"#);
    upstream.idle().await;
}

#[tokio::test]
async fn what_is_not_there_has_no_header() {
    let mut stand_in = StandIn::start().await;
    let (upstream, _replies) = all_to(&stand_in.url);
    upstream.open(caller(None)).close(None);
    let call = stand_in.next().await;
    for name in ["x-asrs-user-id", "x-asrs-user-claims", "x-asrs-client-query"] {
        assert_eq!(call.header(name), None, "{name}");
    }
    assert_eq!(stand_in.next().await.text(), r#"{"type":11}"#);
}

#[tokio::test]
async fn a_user_that_no_header_can_name_is_never_told_as_somebody_else() {
    let (upstream, _replies) = all_to("http://127.0.0.1:1/");
    for user in ["a\nb", " ann", "ann\t"] {
        let events = upstream.open(caller(Some(user)));
        let refused = Err(NotCalled::BadUser.into());
        assert_eq!(events.invoke(invocation(None, "send")), refused, "{user:?}");
        events.close(None);
    }
    upstream.idle().await;
}

#[tokio::test]
async fn answers_become_completions_and_go_only_to_those_who_wait() {
    let stand_in = StandIn::start().await;
    let (upstream, mut replies) = all_to(&stand_in.url);
    let events = upstream.open(caller(None));
    stand_in.will_answer(StatusCode::FORBIDDEN);
    stand_in.will_answer("{\"type\":3,\"invocationId\":\"1\",\"result\":1.0}\u{1e}");
    stand_in.will_answer("ignored");
    stand_in.will_answer(StatusCode::NO_CONTENT);
    stand_in.will_answer((StatusCode::ACCEPTED, "1"));
    stand_in.will_answer((StatusCode::FOUND, [("location", "/")]));
    for id in [Some("1"), None, Some("2"), Some("3"), Some("4")] {
        events.invoke(invocation(id, "send")).unwrap();
    }
    for expected in [
        "{\"type\":3,\"invocationId\":\"1\",\"result\":1.0}\u{1e}",
        "{\"type\":3,\"invocationId\":\"2\"}\u{1e}",
        "{\"type\":3,\"invocationId\":\"3\",\"error\":\"Invocation failed, status code 202\"}\u{1e}",
        "{\"type\":3,\"invocationId\":\"4\",\"error\":\"Invocation failed, status code 302\"}\u{1e}",
    ] {
        let reply = replies.recv().await.unwrap();
        assert_eq!(text(&reply), expected);
        assert_eq!((reply.hub.as_str(), reply.connection.as_str()), ("chat", "c1"));
    }
    upstream.idle().await;
    assert!(replies.try_recv().is_err());
}

#[tokio::test]
async fn an_upstream_that_is_away_slow_or_endless_fails_the_invocation() {
    let answered = |status: &str| format!("\"error\":\"Invocation failed, {status}\"");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (upstream_away, mut replies) = all_to(&format!("http://{nobody}/"));
    upstream_away.open(caller(None)).invoke(invocation(Some("1"), "send")).unwrap();
    let reply = replies.recv().await.unwrap();
    assert!(text(&reply).contains(&answered("status code 500")), "{reply:?}");

    // It accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::all_to(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let (slow, mut replies) = upstream(settings, limits);
    slow.open(caller(None)).invoke(invocation(Some("1"), "send")).unwrap();
    let reply = replies.recv().await.unwrap();
    assert!(text(&reply).contains(&answered("status code 500")), "{reply:?}");

    let stand_in = StandIn::start().await;
    let limits = Limits { answer: 1000, ..Limits::default() };
    let (short, mut replies) = upstream(Settings::all_to(&stand_in.url).unwrap(), limits);
    stand_in.will_answer(StatusCode::OK);
    stand_in.will_answer("1".repeat(1000));
    stand_in.will_answer("1".repeat(1001));
    let events = short.open(caller(None));
    for id in ["1", "2"] {
        events.invoke(invocation(Some(id), "send")).unwrap();
    }
    assert!(text(&replies.recv().await.unwrap()).contains("\"result\":111"));
    let reply = replies.recv().await.unwrap();
    assert!(text(&reply).contains(&answered("response too large.")), "{reply:?}");
}

#[tokio::test]
async fn invocations_keep_their_order_and_wait_for_each_other() {
    let mut stand_in = StandIn::start().await;
    let (upstream, mut replies) = all_to(&format!("{}/{{event}}", stand_in.url));
    let events = upstream.open(caller(None));
    for index in 0..50 {
        events.invoke(invocation(Some(&index.to_string()), &format!("m{index}"))).unwrap();
    }
    events.close(None);
    assert_eq!(stand_in.next().await.line, "POST /connected");
    for index in 0..50 {
        assert_eq!(stand_in.next().await.line, format!("POST /m{index}"));
        let completion = format!("{{\"type\":3,\"invocationId\":\"{index}\"}}\u{1e}");
        assert_eq!(text(&replies.recv().await.unwrap()), completion);
    }
    assert_eq!(stand_in.next().await.line, "POST /disconnected");
}

#[tokio::test]
async fn settings_that_change_change_where_events_go() {
    let (sender, settings) = watch::channel(Settings::default());
    let (replies, _) = Replies::new(ShardOf::new(NonZeroUsize::MIN));
    let upstream =
        Upstream::new(settings, key_ring(), Limits::default(), http(), replies, Records::default());
    let chat = HubName::parse("chat").unwrap();
    assert!(!upstream.serves(&chat));
    let events = upstream.open(caller(None));
    let no_template = Err(NotCalled::NoTemplate.into());
    assert_eq!(events.invoke(invocation(None, "send")), no_template);
    let mut stand_in = StandIn::start().await;
    sender.send(Settings::all_to(&format!("{}/{{event}}", stand_in.url)).unwrap()).unwrap();
    assert!(upstream.serves(&chat));
    events.invoke(invocation(None, "send")).unwrap();
    assert_eq!(stand_in.next().await.line, "POST /send");
    for target in ["..", ".", "a\nb"] {
        let bad_name = Err(NotCalled::BadName.into());
        assert_eq!(events.invoke(invocation(None, target)), bad_name, "{target:?}");
    }
}

#[tokio::test]
async fn no_claim_is_read_as_another() {
    let mut stand_in = StandIn::start().await;
    let (upstream, _replies) = all_to(&stand_in.url);
    let claims = [
        ("name", "Doe, J"),
        ("nick", "x, role: admin"),
        ("a,role", "admin"),
        ("b, role: admin, c", "d"),
        ("role: admin", "x"),
        ("url", "http://a/?b=1,2"),
        ("note", "a: b"),
    ];
    let claims = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    upstream.open(Caller { claims, ..caller(None) }).close(None);
    let call = stand_in.next().await;
    let expected = "name: Doe, J, url: http://a/?b=1,2, note: a: b";
    assert_eq!(call.header("x-asrs-user-claims"), Some(expected));
}

#[test]
fn secrets_are_left_out_of_the_query() {
    for (query, forwarded) in [
        ("hub=a&id=x&access_token=y", "hub=a"),
        ("Access_Token=y&ID=x&idx=1&%69d=z&x=%20+", "idx=1&x=%20+"),
        ("", ""),
        ("&&a&", "a"),
    ] {
        assert_eq!(forwarded_query(query), forwarded);
    }
}
