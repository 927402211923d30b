//! Nodes that sent no beat for too long are cut off from the broker, and nobody else is.

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{client::in_time, nodes::node, redis::Redis};

/// The numbers of the connections for subscriptions.
fn subscribers(redis: &Redis) -> Vec<String> {
    let list = redis.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    let number = |line: &str| line.split([' ', '=']).nth(1).unwrap().to_owned();
    list.lines().map(number).collect()
}

/// Puts a node into the list that stopped long ago and had this connection.
fn stopped(redis: &Redis, name: &str, connection: &str, run: &str) {
    let about = format!("rt1:node:{name}");
    redis.ask(&["HSET", &about, "subscriber", connection, "run", run]);
    redis.ask(&["ZADD", "rt1:nodes", "1", name]);
}

#[tokio::test]
async fn only_the_connection_of_a_silent_node_is_ended() {
    let redis = Redis::start().await;
    let node = node(&redis).await;
    let of_node = subscribers(&redis);
    let [own] = of_node.as_slice() else { panic!("{of_node:?}") };
    // The broker started again, and the number belongs to another connection now.
    stopped(&redis, "00000000000000aa", own, "an-earlier-run");
    in_time(async {
        while !redis.ask(&["ZSCORE", "rt1:nodes", "00000000000000aa"]).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The node sends this after what it does for the stopped node.
    let group = "/api/v1/hubs/chat/groups/g/users/ann";
    assert!(node.status(Method::PUT, group).await.is_success());
    assert_eq!(subscribers(&redis), of_node);

    let mut silent = TcpStream::connect(("127.0.0.1", redis.port)).await.unwrap();
    silent.write_all(b"SUBSCRIBE channel\r\n").await.unwrap();
    silent.read_u8().await.unwrap();
    let mut with_silent = subscribers(&redis);
    with_silent.retain(|one| one != own);
    let info = redis.ask(&["INFO", "server"]);
    let run = info.lines().find_map(|line| line.trim().strip_prefix("run_id:")).unwrap();
    stopped(&redis, "00000000000000bb", &with_silent[0], run);
    // This ends with the connection.
    in_time(silent.read_to_end(&mut Vec::new())).await.unwrap();
    assert_eq!(subscribers(&redis), of_node);
}

/// Otherwise a command could overtake a script that the broker does not know yet.
#[tokio::test]
async fn the_broker_knows_all_scripts_from_the_start() {
    let mut redis = Redis::start().await;
    let node = node(&redis).await;
    assert!(redis.ask(&["INFO", "memory"]).contains("number_of_cached_scripts:4"));
    redis.kill();
    redis.restart().await;
    in_time(async {
        while redis.ask(&["EXISTS", "rt1:nodes"]) != "1" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(redis.ask(&["INFO", "memory"]).contains("number_of_cached_scripts:4"));
    drop(node);
}
