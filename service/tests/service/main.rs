//! The service from outside: real sockets, real HTTP, nothing of its inside.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod client;
mod dashboard;
mod delivery;
mod drain;
mod gateways;
mod groups;
mod invocations;
mod lifetime;
mod limits;
mod logins;
mod negotiation;
#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/nodes.rs"]
mod nodes;
mod operations;
#[allow(dead_code, reason = "the tests of the cluster share it")]
mod operator;
mod polling;
mod properties;
#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/redis.rs"]
mod redis;
mod rest;
mod sockets;
mod tls;
mod tokens;
mod websocket;
