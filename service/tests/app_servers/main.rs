//! App servers on real sockets: persistent mode beside REST, default mode with clients, and the recorded
//! conversations of Microsoft's SDK.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where it fails")]

mod app;
mod bad_apps;
mod bad_bytes;
mod client_results;
mod clients;
mod cluster;
mod cost;
mod crowds;
mod default_mode;
mod failures;
mod logins;
mod migration;
mod modes;
#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/nodes.rs"]
mod nodes;
mod own_protocols;
mod persistent;
mod queries;
mod recorded;
#[allow(dead_code, reason = "the tests of the cluster need more of it")]
#[path = "../cluster/redis.rs"]
mod redis;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../service/client.rs"]
mod service;
mod silence;
mod stateful;

use self::service as client;
