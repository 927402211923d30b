//! A server and its callers, which are bare sockets.
//!
//! A test with `start_paused` uses tokio's paused clock. It stands still while anything happens, and
//! jumps when everything waits for it.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod clock;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use clock::at_one_instant;
use signalr_http_server::{Limits, Listen, RequestBody, UpgradedSocket, serve, take_socket};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, advance, timeout},
};
use tower::{Service, ServiceExt};

const LIMITS: Limits = Limits {
    head_size: 8 * 1024,
    head_time: Duration::from_secs(10),
    idle_time: Duration::from_secs(75),
    write_time: Duration::from_secs(30),
    drain_time: Duration::from_secs(5),
};
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
/// A request with further bytes after it, which are for the next owner of the socket.
const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nearly";

/// A server that runs until `end` is called.
struct Server {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start<S>(app: S) -> Self
    where
        S: Service<hyper::Request<RequestBody>, Response = Response, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let listeners = Listen::Address("127.0.0.1:0".parse().unwrap()).bind().await.unwrap();
        let address = listeners[0].local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(serve(listeners, app, LIMITS, async move {
            ended.await.unwrap();
        }));
        Self { address, end: Some(end), running }
    }

    async fn connect(&self) -> TcpStream {
        at_one_instant(TcpStream::connect(self.address)).await.unwrap()
    }

    fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits until no new connection is accepted.
    async fn takes_no_more(&self) {
        while TcpStream::connect(self.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// An app that reports each call, and answers it when the semaphore allows it.
fn gated() -> (Router, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
    let (come, calls) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let app = Router::new().fallback(async move || {
        come.send(()).unwrap();
        waiting.acquire().await.unwrap().forget();
        "at last"
    });
    (app, calls, gate)
}

/// One answer that ends with this body. The connection stays open.
async fn answer(caller: &mut TcpStream, body: &str) -> String {
    let mut came = Vec::new();
    while !came.ends_with(body.as_bytes()) {
        assert_ne!(caller.read_buf(&mut came).await.unwrap(), 0, "the connection ended");
    }
    String::from_utf8(came).unwrap()
}

/// Everything that arrives until the server ends the connection, and how long that takes.
async fn rest(mut caller: TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut came = String::new();
    caller.read_to_string(&mut came).await.unwrap();
    (came, start.elapsed())
}

fn is_about(took: Duration, seconds: u64) -> bool {
    let expected = Duration::from_secs(seconds);
    (expected..expected + Duration::from_millis(10)).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_cut_off_in_its_time() {
    let server = Server::start(hello()).await;
    for half in ["G", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut caller = server.connect().await;
        caller.write_all(half.as_bytes()).await.unwrap();
        let (came, took) = rest(caller).await;
        assert!(came.is_empty() && is_about(took, 10), "{half:?}: {came:?} after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_of_a_head_gives_it_no_more_time() {
    let server = Server::start(hello()).await;
    let mut caller = server.connect().await;
    let start = Instant::now();
    let mut byte = [0];
    for part in GET.iter().cycle() {
        // Each part is later than the part before, by the server's clock.
        tokio::select! {
            read = caller.read(&mut byte) => {
                assert!(matches!(read, Ok(0) | Err(_)), "half a head got an answer");
                break;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        if caller.write_all(&[part.to_ascii_lowercase().max(b'a')]).await.is_err() {
            break;
        }
    }
    assert!(is_about(start.elapsed(), 11), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let server = Server::start(hello()).await;
    let (came, took) = rest(server.connect().await).await;
    assert!(came.is_empty() && is_about(took, 75), "{came:?} after {took:?}");

    let mut caller = server.connect().await;
    for _ in 0..3 {
        caller.write_all(GET).await.unwrap();
        let answer = at_one_instant(answer(&mut caller, "hello")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        advance(Duration::from_secs(60)).await;
    }
    // After an idle time, the limit for a head applies to half a head from its first byte.
    advance(Duration::from_secs(14)).await;
    caller.write_all(&GET[..9]).await.unwrap();
    let (came, took) = rest(caller).await;
    assert!(came.is_empty() && is_about(took, 10), "{came:?} after {took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_head_is_not_that_of_a_call() {
    let app = Router::new().fallback(async |_: Bytes| {
        tokio::time::sleep(Duration::from_secs(600)).await;
        "slow"
    });
    let server = Server::start(app).await;
    let mut caller = server.connect().await;
    caller.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na").await.unwrap();
    advance(Duration::from_secs(300)).await;
    caller.write_all(b"b").await.unwrap();
    assert!(answer(&mut caller, "slow").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431_and_bad_bytes_are_400() {
    let server = Server::start(hello()).await;
    let mut large = GET[..GET.len() - 2].to_vec();
    large.extend_from_slice(b"x-large: ");
    large.resize(LIMITS.head_size, b'a');
    let mut close = GET[..GET.len() - 2].to_vec();
    close.extend_from_slice(b"connection: close\r\nx-large: ");
    close.resize(LIMITS.head_size - 100, b'a');
    close.extend_from_slice(b"\r\n\r\n");
    for (sent, status) in [
        (close.as_slice(), 200),
        (large.as_slice(), 431),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n", 400),
    ] {
        let mut caller = server.connect().await;
        caller.write_all(sent).await.unwrap();
        let (came, _) = rest(caller).await;
        assert!(came.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {came}");
    }
}

#[tokio::test]
async fn the_drain_answers_what_is_under_way_and_ends() {
    let (app, mut calls, gate) = gated();
    let mut server = Server::start(app).await;
    // A connection without a request does not delay the end, nor does a connection between two requests.
    let silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.write_all(GET).await.unwrap();
    gate.add_permits(1);
    answer(&mut idle, "at last").await;
    at_one_instant(calls.recv()).await.unwrap();

    let mut caller = server.connect().await;
    caller.write_all(GET).await.unwrap();
    at_one_instant(calls.recv()).await.unwrap();
    server.end();
    server.takes_no_more().await;
    assert!(!server.running.is_finished());
    gate.add_permits(1);
    let (came, _) = rest(caller).await;
    assert!(came.starts_with("HTTP/1.1 200") && came.ends_with("at last"), "{came}");
    assert!(came.contains("connection: close"), "{came}");
    assert_eq!((rest(idle).await.0, rest(silent).await.0), (String::new(), String::new()));
    server.running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_cut_off_at_the_deadline() {
    let (app, mut calls, _gate) = gated();
    let mut server = Server::start(app).await;
    let mut caller = server.connect().await;
    caller.write_all(GET).await.unwrap();
    at_one_instant(calls.recv()).await.unwrap();
    let start = Instant::now();
    server.end();
    server.running.await.unwrap();
    assert!(is_about(start.elapsed(), 5), "{:?}", start.elapsed());
    assert_eq!(rest(caller).await.0, "");
}

/// Answers an upgrade, and hands its socket over.
async fn upgrade(
    State(sockets): State<mpsc::UnboundedSender<UpgradedSocket>>,
    mut request: Request,
) -> impl IntoResponse {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        sockets.send(take_socket(upgrade.await.unwrap()).unwrap()).unwrap();
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "echo")];
    (StatusCode::SWITCHING_PROTOCOLS, headers)
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_socket_is_the_services_own_and_outlives_the_server() {
    let (sockets, mut taken) = mpsc::unbounded_channel();
    let app = Router::new().route("/", get(upgrade)).with_state(sockets);
    let mut server = Server::start(app).await;
    let mut caller = server.connect().await;
    caller.write_all(UPGRADE).await.unwrap();
    let answer = at_one_instant(answer(&mut caller, "\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let UpgradedSocket { stream: mut socket, early, .. } =
        at_one_instant(taken.recv()).await.unwrap();
    assert_eq!(early, "early");
    // The time limits of requests do not apply to it, and the drain does not wait for it.
    advance(Duration::from_secs(600)).await;
    let start = Instant::now();
    server.end();
    server.running.await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    caller.write_all(b"ping").await.unwrap();
    let mut came = [0; 4];
    at_one_instant(socket.read_exact(&mut came)).await.unwrap();
    socket.write_all(&came).await.unwrap();
    at_one_instant(caller.read_exact(&mut came)).await.unwrap();
    assert_eq!(&came, b"ping");
}

#[tokio::test]
async fn nothing_of_a_connection_is_left_once_it_is_upgraded() {
    let (sockets, mut taken) = mpsc::unbounded_channel();
    let app = Router::new().route("/", get(upgrade)).with_state(sockets);
    let held = Arc::new(());
    let of_each_connection = Arc::clone(&held);
    let service = tower::service_fn(move |request| {
        let _held = Arc::clone(&of_each_connection);
        app.clone().oneshot(request)
    });
    let server = Server::start(service).await;
    let before = Arc::strong_count(&held);
    let mut caller = server.connect().await;
    caller.write_all(UPGRADE).await.unwrap();
    let socket = at_one_instant(taken.recv()).await.unwrap();
    let is_gone = async {
        while Arc::strong_count(&held) > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), is_gone).await.unwrap();
    drop(socket);
}

#[tokio::test]
async fn a_dropped_server_ends_its_connections() {
    let (app, mut calls, _gate) = gated();
    let server = Server::start(app).await;
    let mut caller = server.connect().await;
    caller.write_all(GET).await.unwrap();
    at_one_instant(calls.recv()).await.unwrap();
    server.running.abort();
    assert_eq!(rest(caller).await.0, "");
    server.takes_no_more().await;
}
