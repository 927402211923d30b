//! The steps of a send and of a connection that are done for each message or each call:
//! `make micro-benches`.

#![allow(clippy::expect_used, reason = "a bench ends where its set-up fails")]

use std::{sync::LazyLock, time::SystemTime};

use divan::{Bencher, black_box, counter::ItemsCount};
use signalr_serverless::{AccessKey, NegotiateOptions, Token};
use signalr_service::measured::{self, Dispatch};

const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
const FILTER: &str = "userId eq 'ann' and ('news' in groups or not ('other' in groups))";
const SENDS: usize = 1_000;

static DISPATCH: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::start().expect("a shard"));

fn main() {
    divan::main();
}

fn arguments(text: usize) -> String {
    format!("[1,12345678,\"{}\"]", "x".repeat(text))
}

fn token() -> Token {
    let key = AccessKey::parse(KEY).expect("a key");
    let options = NegotiateOptions::default().with_lifetime(measured::LIFETIME);
    let url = "http://localhost/client/?hub=bench";
    Token::client(&key, url, &options, SystemTime::now()).expect("a token")
}

#[divan::bench(args = [100, 10_000])]
fn encode_json(bencher: Bencher<'_, '_>, text: usize) {
    bencher.bench_local(measured::json(&arguments(text)).expect("JSON"));
}

#[divan::bench(args = [100, 10_000])]
fn encode_message_pack(bencher: Bencher<'_, '_>, text: usize) {
    bencher.bench_local(measured::message_pack(&arguments(text)).expect("JSON"));
}

#[divan::bench]
fn check_token(bencher: Bencher<'_, '_>) {
    let check = measured::token_check(KEY, token()).expect("a key");
    assert!(check(), "the token is good");
    bencher.bench_local(check);
}

#[divan::bench]
fn read_query(bencher: Bencher<'_, '_>) {
    let query = format!("hub=bench&id=AAAAAAAAAAAAAAAAAAAAAA&access_token={}", token().as_str());
    bencher.bench_local(measured::query(black_box(&query)));
}

#[divan::bench(args = ["/client/", "/api/v1/hubs/bench/groups/group-17"])]
fn read_path(bencher: Bencher<'_, '_>, path: &str) {
    bencher.bench_local(measured::path(black_box(path)));
}

#[divan::bench]
fn dispatch_send(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(SENDS)).bench_local(|| DISPATCH.send(SENDS));
}

#[divan::bench]
fn parse_filter(bencher: Bencher<'_, '_>) {
    bencher.bench_local(measured::filter_parse(black_box(FILTER)));
}

#[divan::bench]
fn match_filter(bencher: Bencher<'_, '_>) {
    bencher.bench_local(measured::filter_match(FILTER).expect("a filter"));
}
