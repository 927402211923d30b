//! Nodes that form a cluster on a Redis server of the test's own.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

#[allow(dead_code, reason = "the tests of the service need more of it")]
#[path = "../service/client.rs"]
mod client;

mod brokers;
mod cut_off;
mod dashboard;
mod failures;
mod memberships;
mod metrics;
mod moves;
mod nodes;
#[allow(dead_code, reason = "the tests of the service need more of it")]
#[path = "../service/operator.rs"]
mod operator;
mod order;
mod redis;
mod silent;
#[allow(dead_code, reason = "the tests of the upstream need more of it")]
#[path = "../upstream/stand_in.rs"]
mod stand_in;
mod stateful;
mod transports;
