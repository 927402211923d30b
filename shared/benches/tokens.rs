//! The work of a negotiate function for each request: `make micro-benches`.

#![allow(clippy::expect_used, reason = "a bench ends where its set-up fails")]

use std::time::{Duration, SystemTime};

use divan::Bencher;
use signalr_serverless::{AccessKey, NegotiateOptions, Token, UserId};

const URL: &str = "https://x.service.signalr.net/client/?hub=chat";

fn main() {
    divan::main();
}

fn key() -> AccessKey {
    AccessKey::parse("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef").expect("a key")
}

#[divan::bench]
fn sign_for_client(bencher: Bencher<'_, '_>) {
    let (key, now) = (key(), SystemTime::now());
    let user = UserId::parse("ann").expect("a user");
    let options = NegotiateOptions::default().with_user_id(user).with_claim("role", "editor");
    bencher.bench_local(|| Token::client(&key, URL, &options, now));
}

#[divan::bench]
fn sign_for_rest(bencher: Bencher<'_, '_>) {
    let (key, now) = (key(), SystemTime::now());
    let url = "https://x.service.signalr.net/api/hubs/chat/:send";
    bencher.bench_local(|| Token::rest(&key, url, Duration::from_secs(3600), now));
}
