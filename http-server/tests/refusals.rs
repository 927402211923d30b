//! Answers that are ready before the request's body was read, and callers that read no answer.
//!
//! If a test's clock is paused, it jumps when everything waits for it.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod clock;

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
};
use clock::at_one_instant;
use hyper::body::{Body as HttpBody, Frame};
use signalr_http_server::{Limits, Listen, Security, SocketPlaces, serve_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

const MEGABYTE: usize = 1024 * 1024;

async fn start(app: Router) -> SocketAddr {
    start_in(Arc::default(), app).await
}

async fn start_in(places: Arc<SocketPlaces>, app: Router) -> SocketAddr {
    let listeners = Listen::Address("127.0.0.1:0".parse().unwrap()).bind().await.unwrap();
    let address = listeners[0].local_addr().unwrap();
    let (limits, never) = (Limits::default(), std::future::pending());
    tokio::spawn(serve_with(listeners, Security::Plain, places, app, limits, never));
    address
}

/// An app that reads no body.
async fn refusing() -> SocketAddr {
    start(Router::new().fallback(async || (StatusCode::UNAUTHORIZED, "who are you?"))).await
}

/// A caller that has sent the head of a request with a body of this many bytes.
async fn caller(server: SocketAddr, length: usize, more: &str) -> TcpStream {
    let mut caller = at_one_instant(TcpStream::connect(server)).await.unwrap();
    // The clock does not wait for bytes that the system would hold back.
    caller.set_nodelay(true).unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n");
    caller.write_all(head.as_bytes()).await.unwrap();
    caller
}

/// One complete answer.
async fn answer(caller: &mut TcpStream) -> String {
    let mut came = Vec::new();
    while !came.ends_with(b"who are you?") {
        assert_ne!(caller.read_buf(&mut came).await.unwrap(), 0, "the connection ended");
    }
    String::from_utf8(came).unwrap()
}

/// Reads the last answer, up to the end of what the server sends.
async fn last_answer(caller: &mut TcpStream) {
    let mut came = String::new();
    at_one_instant(caller.read_to_string(&mut came)).await.unwrap();
    assert!(came.starts_with("HTTP/1.1 401 "), "{came}");
    assert!(came.contains("connection: close") && came.ends_with("who are you?"), "{came}");
    assert_eq!(came.matches("HTTP/1.1").count(), 1, "{came}");
}

fn is_about(took: Duration, seconds: u64) -> bool {
    let expected = Duration::from_secs(seconds);
    (expected..expected + Duration::from_millis(1100)).contains(&took)
}

#[tokio::test]
async fn a_caller_that_sends_all_before_it_reads_gets_its_answer() {
    let server = refusing().await;
    for _ in 0..20 {
        let mut caller = caller(server, 20 * MEGABYTE, "").await;
        caller.write_all(&vec![b'a'; 20 * MEGABYTE]).await.unwrap();
        last_answer(&mut caller).await;
    }
}

#[tokio::test]
async fn bad_bytes_in_front_of_many_get_their_answer_too() {
    let server = refusing().await;
    for _ in 0..20 {
        let mut caller = TcpStream::connect(server).await.unwrap();
        caller.write_all(b"nonsense\r\n\r\n").await.unwrap();
        caller.write_all(&vec![b'a'; 5 * MEGABYTE]).await.unwrap();
        let mut came = String::new();
        caller.read_to_string(&mut came).await.unwrap();
        assert!(came.starts_with("HTTP/1.1 400 "), "{came}");
    }
}

#[tokio::test]
async fn a_caller_that_asks_whether_to_send_is_not_asked_to() {
    let mut caller = caller(refusing().await, MEGABYTE, "expect: 100-continue\r\n").await;
    last_answer(&mut caller).await;
}

#[tokio::test]
async fn a_short_body_leaves_the_connection_as_it_is() {
    let mut caller = TcpStream::connect(refusing().await).await.unwrap();
    for _ in 0..2 {
        let request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nshort";
        caller.write_all(request).await.unwrap();
        let came = answer(&mut caller).await;
        assert!(!came.contains("connection: close"), "{came}");
    }
}

#[tokio::test]
async fn a_body_that_was_read_leaves_the_connection_as_it_is() {
    let reading = async |body: Bytes| format!("{} bytes, who are you?", body.len());
    let server = start(Router::new().fallback(reading)).await;
    let mut caller = TcpStream::connect(server).await.unwrap();
    for (head, body, bytes) in [
        ("content-length: 5", "short".to_owned(), 5),
        ("content-length: 100000", "a".repeat(100_000), 100_000),
        ("transfer-encoding: chunked", "5\r\nshort\r\n0\r\n\r\n".to_owned(), 5),
        ("content-length: 0", String::new(), 0),
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}");
        caller.write_all(request.as_bytes()).await.unwrap();
        let came = answer(&mut caller).await;
        assert!(came.contains(&format!("\r\n\r\n{bytes} bytes")), "{came}");
        assert!(!came.contains("connection: close"), "{came}");
    }
}

#[tokio::test]
async fn what_follows_a_body_that_was_not_read_is_no_request() {
    let mut caller = caller(refusing().await, 5 * MEGABYTE, "").await;
    let mut body = vec![b'a'; 5 * MEGABYTE];
    body.extend_from_slice(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    caller.write_all(&body).await.unwrap();
    last_answer(&mut caller).await;
}

#[tokio::test]
async fn a_caller_may_send_so_many_bytes_and_no_more() {
    let mut caller = caller(refusing().await, 1024 * MEGABYTE, "").await;
    let mut sent = 0;
    let part = vec![b'a'; MEGABYTE];
    while caller.write_all(&part).await.is_ok() {
        sent += 1;
        assert!(sent < 200, "{sent} MB are taken");
    }
    assert!(sent >= 64, "{sent} MB were taken");
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_go_on_sending_for_so_long_and_no_longer() {
    let mut caller = caller(refusing().await, 1024, "").await;
    last_answer(&mut caller).await;
    let start = Instant::now();
    while caller.write_all(b"a").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(start.elapsed() < Duration::from_secs(60));
    }
    // The system answers the first write after the end with a reset. The next write then fails.
    assert!(is_about(start.elapsed(), 31), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_neither_sends_nor_ends_is_left() {
    let mut caller = caller(refusing().await, 1024, "").await;
    last_answer(&mut caller).await;
    for _ in 0..3 {
        // If the connection had ended, one of these writes would fail.
        sleep(Duration::from_secs(4)).await;
        assert!(caller.write_all(b"a").await.is_ok());
    }
    let start = Instant::now();
    sleep(Duration::from_secs(6)).await;
    // The system answers the first write after the end with a reset.
    let is_gone = async { while caller.write_all(b"a").await.is_ok() {} };
    at_one_instant(is_gone).await;
    assert!(is_about(start.elapsed(), 6), "{:?}", start.elapsed());
}

/// A body without end. It keeps a value for as long as it exists.
struct Endless(#[expect(dead_code, reason = "what is kept")] Arc<()>);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'a'; 64 * 1024])))))
    }
}

/// A caller that gets an answer without end, and the value that its body keeps.
async fn caller_of_endless(places: Arc<SocketPlaces>) -> (TcpStream, Arc<()>) {
    let kept = Arc::new(());
    let of_body = Arc::downgrade(&kept);
    let app = Router::new().fallback(async move || Body::new(Endless(of_body.upgrade().unwrap())));
    let address = start_in(places, app).await;
    let mut caller = at_one_instant(TcpStream::connect(address)).await.unwrap();
    caller.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut byte = [0];
    at_one_instant(caller.read_exact(&mut byte)).await.unwrap();
    assert_eq!(Arc::strong_count(&kept), 2);
    (caller, kept)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_cut_off_and_dropped() {
    let places = Arc::default();
    let (caller, kept) = caller_of_endless(Arc::clone(&places)).await;
    let start = Instant::now();
    while Arc::strong_count(&kept) > 1 {
        sleep(Duration::from_millis(100)).await;
        assert!(start.elapsed() < Duration::from_secs(60), "the answer is still there");
    }
    assert!(is_about(start.elapsed(), 30), "{:?}", start.elapsed());
    let counts = places.counts();
    assert_eq!((counts.cut_off, counts.open), (1, 0));
    drop(caller);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_slowly_goes_on() {
    let (mut caller, kept) = caller_of_endless(Arc::default()).await;
    let mut part = vec![0; 8 * MEGABYTE];
    for _ in 0..10 {
        sleep(Duration::from_secs(20)).await;
        at_one_instant(caller.read_exact(&mut part)).await.unwrap();
    }
    assert_eq!(Arc::strong_count(&kept), 2);
}
