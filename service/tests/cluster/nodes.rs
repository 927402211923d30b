//! Services that form a cluster on one Redis.

use signalr_service::{BrokerSettings, Config};

use crate::{
    client::{Running, start_with},
    redis::Redis,
};

/// Starts a node of the cluster on this Redis.
pub(crate) async fn node(redis: &Redis) -> Running {
    node_with(redis, Config::default()).await
}

/// Starts a node of the cluster with this prefix.
pub(crate) async fn node_of(redis: &Redis, prefix: &str) -> Running {
    let broker = BrokerSettings::parse(&redis.url()).unwrap().with_prefix(prefix).unwrap();
    start_with(Config { broker: Some(broker), ..Config::default() }).await
}

pub(crate) async fn node_with(redis: &Redis, config: Config) -> Running {
    let broker = BrokerSettings::parse(&redis.url()).unwrap();
    start_with(Config { broker: Some(broker), ..config }).await
}
