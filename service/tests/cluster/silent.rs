//! A broker that accepts connections and answers no more from some command on.

use futures_util::future::{join, join_all};
use signalr_service::{BrokerError, BrokerSettings, Config, Listen};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

use crate::{client::in_time, nodes::node, redis::Redis};

/// The address of a broker that hears nothing from the command with this word on.
async fn silent_from(word: &'static str, redis: &Redis) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let port = redis.port;
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(pass_on_until(word, client, server));
        }
    });
    format!("redis://{address}")
}

async fn pass_on_until(word: &str, client: TcpStream, server: TcpStream) {
    let (mut questions, mut to_client) = client.into_split();
    let (mut answers, mut to_server) = server.into_split();
    tokio::spawn(async move { copy(&mut answers, &mut to_client).await });
    let (mut bytes, mut is_silent) = ([0; 4096], false);
    while let Ok(count @ 1..) = questions.read(&mut bytes).await {
        is_silent |= bytes[..count].windows(word.len()).any(|part| part == word.as_bytes());
        if !is_silent && to_server.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn nothing_waits_for_ever_for_a_broker_that_falls_silent() {
    let redis = Redis::start().await;
    let _node = node(&redis).await;
    let listed = ["cluster", "ZRANGE", "HMGET"].map(async |word| {
        let settings = BrokerSettings::parse(&silent_from(word, &redis).await).unwrap();
        let error = in_time(settings.nodes()).await.unwrap_err();
        assert!(matches!(error, BrokerError::Unusable), "{word}: {error}");
    });
    let started = ["cluster", "ID\r\n", "LOAD", "SUBSCRIBE"].map(async |word| {
        let settings = BrokerSettings::parse(&silent_from(word, &redis).await).unwrap();
        let listen = Listen::Address(([127, 0, 0, 1], 0).into());
        let config = Config { broker: Some(settings), listen, ..Config::default() };
        assert!(in_time(config.bind()).await.is_err(), "{word}");
    });
    join(join_all(listed), join_all(started)).await;
}
