//! A server with TLS, and its callers.
//!
//! A test with `start_paused` uses tokio's paused clock, which jumps when everything waits for it.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod clock;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use clock::at_one_instant;
use rcgen::generate_simple_self_signed;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use signalr_http_server::{
    Limits, Listen, ReloadSignals, Security, SocketLimits, SocketPlaces, Tls, serve_with,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
/// No test waits longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// The files of a certificate.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> (Self, CertificateDer<'static>) {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let certificate = files.renew();
        (files, certificate)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a new certificate into the files and returns it.
    fn renew(&self) -> CertificateDer<'static> {
        let pair = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.path("cert.pem"), pair.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        pair.cert.der().clone()
    }

    /// A server that runs for as long as the test.
    async fn serve(&self) -> SocketAddr {
        self.serve_in(Arc::default()).await
    }

    /// The same with these places for connections.
    async fn serve_in(&self, places: Arc<SocketPlaces>) -> SocketAddr {
        let tls =
            Tls::watch(&self.path("cert.pem"), &self.path("key.pem"), ReloadSignals::default())
                .unwrap();
        let listeners = Listen::Address("127.0.0.1:0".parse().unwrap()).bind().await.unwrap();
        let address = listeners[0].local_addr().unwrap();
        let app = Router::new().route("/", get(async || "hello"));
        let limits = Limits::default();
        tokio::spawn(serve_with(
            listeners,
            Security::Tls(tls),
            places,
            app,
            limits,
            std::future::pending(),
        ));
        address
    }
}

/// Connects as a client that trusts only this certificate.
async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

async fn get_hello(address: SocketAddr, trusted: &CertificateDer<'static>) {
    let mut caller = connect(address, trusted).await.unwrap();
    caller.write_all(GET).await.unwrap();
    let mut came = String::new();
    caller.read_to_string(&mut came).await.unwrap();
    assert!(came.starts_with("HTTP/1.1 200") && came.ends_with("hello"), "{came}");
}

#[tokio::test]
async fn a_caller_that_knows_the_certificate_is_served_to_a_clean_end() {
    let (files, certificate) = Files::new();
    let address = files.serve().await;
    get_hello(address, &certificate).await;
    let (_, other) = Files::new();
    assert!(connect(address, &other).await.is_err());
}

#[tokio::test]
async fn plain_http_is_told_what_the_port_speaks() {
    let (files, _) = Files::new();
    let address = files.serve().await;
    let mut caller = TcpStream::connect(address).await.unwrap();
    caller.write_all(GET).await.unwrap();
    let mut came = String::new();
    caller.read_to_string(&mut came).await.unwrap();
    assert!(came.starts_with("HTTP/1.1 400"), "{came}");
    let (head, body) = came.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{came}");
    assert!(body.contains("use https"), "{came}");
}

#[tokio::test]
async fn nobody_waits_for_a_slow_handshake() {
    let (files, certificate) = Files::new();
    let address = files.serve().await;
    let mut slow = Vec::new();
    for half in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        for _ in 0..20 {
            let mut caller = TcpStream::connect(address).await.unwrap();
            caller.write_all(half).await.unwrap();
            slow.push(caller);
        }
    }
    timeout(PATIENCE, get_hello(address, &certificate)).await.unwrap();
    drop(slow);
}

#[tokio::test(start_paused = true)]
async fn half_a_handshake_is_cut_off_in_its_time() {
    let (files, _) = Files::new();
    let address = files.serve().await;
    for half in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n"] {
        let mut caller = at_one_instant(TcpStream::connect(address)).await.unwrap();
        let start = tokio::time::Instant::now();
        caller.write_all(half).await.unwrap();
        let mut came = Vec::new();
        // A socket that is closed with unread bytes may report an error.
        let _ = caller.read_to_end(&mut came).await;
        let took = start.elapsed();
        if half.starts_with(b"GET") {
            assert!(came.starts_with(b"HTTP/1.1 400"), "{came:?}");
        } else {
            let limit = Duration::from_secs(10)..Duration::from_secs(11);
            assert!(limit.contains(&took) && came.is_empty(), "{half:?}: {came:?} after {took:?}");
        }
    }
}

#[tokio::test]
async fn a_new_certificate_is_used() {
    let (files, old) = Files::new();
    let address = files.serve().await;
    get_hello(address, &old).await;
    let new = files.renew();
    let start = Instant::now();
    while connect(address, &new).await.is_err() {
        assert!(start.elapsed() < PATIENCE, "the new certificate is not used");
        tokio::task::yield_now().await;
    }
    assert!(connect(address, &old).await.is_err());
    get_hello(address, &new).await;
}

#[tokio::test]
async fn a_caller_without_a_place_gets_its_refusal_in_tls() {
    let (files, certificate) = Files::new();
    let limits = SocketLimits { connections: 0, ..SocketLimits::default() };
    let address = files.serve_in(SocketPlaces::new(limits)).await;

    let mut caller = connect(address, &certificate).await.unwrap();
    let mut came = String::new();
    timeout(PATIENCE, caller.read_to_string(&mut came)).await.unwrap().unwrap();

    assert!(
        came.starts_with("HTTP/1.1 503") && came.ends_with("too many connections now"),
        "{came}"
    );
}
