//! Every operation of the SDK against a running service with real clients.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

#[allow(dead_code, reason = "the tests of the service need more of it")]
#[path = "../service/client.rs"]
mod client;

#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/nodes.rs"]
mod nodes;

#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/redis.rs"]
mod redis;

mod closing;
mod endpoints;
mod entra;
mod filters;
mod groups;
mod invocations;
mod logins;
mod operations;
mod scene;
mod sends;
mod tokens;
