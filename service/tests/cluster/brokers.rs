//! Brokers that fit and those that do not.

use std::net::TcpListener;

use reqwest::{Method, StatusCode};
use serde_json::json;
use signalr_service::{BrokerSettings, Config, Listen};

use crate::{
    client::start_with,
    nodes::{node, node_of},
    redis::Redis,
};

fn config(url: &str) -> Config {
    let broker = BrokerSettings::parse(url).unwrap();
    let listen = Listen::Address(([127, 0, 0, 1], 0).into());
    Config { broker: Some(broker), listen, ..Config::default() }
}

async fn refusal(url: &str) -> String {
    match config(url).bind().await {
        Ok(_) => panic!("{url} is taken"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_broker_that_does_not_fit_is_refused_with_the_reason() {
    let cluster = Redis::start_with(&["--cluster-enabled", "yes"]).await;
    let error = refusal(&cluster.url()).await;
    assert!(error.contains("cluster mode"), "{error}");
    let locked = Redis::start_with(&["--requirepass", "right"]).await;
    let error = refusal(&format!("redis://:wrong-secret@127.0.0.1:{}", locked.port)).await;
    assert!(error.contains(&locked.port.to_string()) && !error.contains("wrong-secret"), "{error}");
    let error = refusal("redis://127.0.0.1:1").await;
    assert!(error.contains("127.0.0.1:1"), "{error}");
}

/// The least rights, as the page on clusters lists them.
const RIGHTS: &str = "user node on >secret resetchannels &rt1:* ~rt1:* -@all +@connection +info \
                      +publish +subscribe +unsubscribe +pubsub|numsub +evalsha +script|load +time \
                      +hset +hget +del +set +pexpire +pexpireat +zadd +zrem +zcard +zrange \
                      +zrangebyscore +zremrangebyscore +zremrangebyrank +client|id +client|kill";

#[tokio::test]
async fn the_least_rights_are_enough() {
    let users: Vec<&str> = RIGHTS.split(' ').collect();
    let mut arguments = vec!["--user", users[1]];
    arguments.extend(&users[2..]);
    let redis = Redis::start_with(&arguments).await;
    let url = format!("redis://node:secret@127.0.0.1:{}", redis.port);
    let (a, b) = (start_with(config(&url)).await, start_with(config(&url)).await);
    let mut ann = a.connect(Some("ann")).await;
    let group = "/api/v1/hubs/chat/groups/g";
    for query in ["", "?ttl=100", "?ttl=0"] {
        let path = format!("{group}/users/ann{query}");
        assert!(b.status(Method::PUT, &path).await.is_success());
        b.send(group, json!([query])).await;
        assert_eq!(ann.arguments().await, json!([query]));
    }
    assert!(b.status(Method::DELETE, &format!("{group}/users/ann")).await.is_success());
    assert_eq!(b.status(Method::GET, group).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_broker_with_tls_is_used_by_whom_its_authority_is_named() {
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let tls = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let _redis = Redis::start_with(&[
        "--tls-port",
        &tls.to_string(),
        "--tls-cert-file",
        certificate.to_str().unwrap(),
        "--tls-key-file",
        key.to_str().unwrap(),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let url = format!("rediss://127.0.0.1:{tls}");
    let error = refusal(&url).await;
    assert!(error.contains("certificate"), "{error}");
    let nodes = [(); 2].map(|()| {
        let settings = BrokerSettings::parse(&url).unwrap();
        let settings = settings.with_authorities(pair.cert.pem().into_bytes());
        start_with(Config { broker: Some(settings), ..Config::default() })
    });
    let [a, b] = nodes;
    let (a, b) = (a.await, b.await);
    let mut ann = a.connect(Some("ann")).await;
    b.broadcast(json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
}

#[tokio::test]
async fn two_prefixes_do_not_see_each_other() {
    let redis = Redis::start().await;
    let (one, other) = (node_of(&redis, "one").await, node_of(&redis, "other").await);
    let mut ann = one.connect(Some("ann")).await;
    other.broadcast(json!(["not for her"])).await;
    let path = "/api/v1/hubs/chat/users/ann";
    assert_eq!(other.status(Method::GET, path).await, StatusCode::NOT_FOUND);
    one.broadcast(json!(["for her"])).await;
    assert_eq!(ann.arguments().await, json!(["for her"]));
}

/// Frames of a version that comes later, and bytes that are not a frame.
#[tokio::test]
async fn what_cannot_be_read_is_passed_over() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis).await, node(&redis).await);
    let mut ann = b.connect(Some("ann")).await;
    let head = "\u{1}\u{63}";
    for payload in ["", "x", head, "\u{1}\u{1}", &"\u{2}".repeat(100), &"\u{1}".repeat(100)] {
        assert_eq!(redis.ask(&["PUBLISH", "rt1:h:chat", payload]), "1");
    }
    a.broadcast(json!([1])).await;
    assert_eq!(ann.arguments().await, json!([1]));
}
