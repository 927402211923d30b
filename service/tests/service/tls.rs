//! A service with TLS of its own.

use std::sync::{Arc, OnceLock};

use reqwest::{Method, StatusCode};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};
use signalr_service::{Config, ReloadSignals, Tls, Trust};
use tempfile::TempDir;
use tokio_tungstenite::{
    Connector,
    tungstenite::{Bytes, Message},
};

use crate::{
    client::{Client, Running, start_with},
    delivery::slow_client_is_closed,
};

/// The files of one certificate, for 127.0.0.1.
struct Files {
    folder: TempDir,
    certificate: CertificateDer<'static>,
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), pair.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        let certificate = CertificateDer::from_pem_slice(pair.cert.pem().as_bytes()).unwrap();
        Files { folder, certificate }
    })
}

/// What a client trusts that connects by `wss`: the certificate of this file.
fn trusted() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(files().certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

async fn start(config: Config) -> Running {
    let (certificate, key) =
        (files().folder.path().join("cert.pem"), files().folder.path().join("key.pem"));
    let tls = Some(Tls::watch(&certificate, &key, ReloadSignals::default()).unwrap());
    let trust = Trust::from_file(&certificate).unwrap();
    let mut service = start_with(Config { tls, trust, ..config }).await;
    service.connector = Some(Connector::Rustls(trusted()));
    service
}

#[tokio::test]
async fn messages_of_every_size_arrive_in_order_over_wss() {
    let service = start(Config::default()).await;
    let mut client = service.connect(None).await;
    for length in [0, 1, 100, 16_383, 16_384, 16_385, 70_000, 1_000_000] {
        let text = "x".repeat(length);
        service.broadcast(json!([length, text])).await;
        assert_eq!(client.arguments().await, json!([length, text]));
    }
    for number in 0..200 {
        service.broadcast(json!([number, "y".repeat(5000)])).await;
    }
    for number in 0..200 {
        assert_eq!(client.arguments().await[0], number);
    }
    service.stop().await;
}

#[tokio::test]
async fn what_clients_send_over_wss_arrives_and_the_end_is_clean() {
    let service = start(Config::default()).await;
    let mut client = service.connect(None).await;
    client.ping(Bytes::from_static(b"are you there")).await;
    assert_eq!(client.frame().await, Some(Message::Pong(Bytes::from_static(b"are you there"))));
    // Longer than a record of TLS, and more than one read takes.
    client.send_text(format!("{{\"type\":6,\"x\":\"{}\"}}\u{1e}", "x".repeat(100_000))).await;
    client.ping(Bytes::from_static(b"still")).await;
    assert_eq!(client.frame().await, Some(Message::Pong(Bytes::from_static(b"still"))));
    let path = format!("/api/v1/hubs/chat/connections/{}", client.id);
    assert!(service.status(Method::DELETE, &path).await.is_success());
    assert_eq!(client.closed().await["allowReconnect"], true);
    service.stop().await;
}

#[tokio::test]
async fn a_slow_client_over_wss_meets_the_same_bound() {
    let config = Config { max_queued_bytes: 1024 * 1024, ..Config::default() };
    slow_client_is_closed(start(config).await).await;
}

#[tokio::test]
async fn rest_over_https_answers_and_hands_out_https_urls() {
    let service = start(Config::default()).await;
    assert_eq!(service.status(Method::GET, "/api/v1/health").await, StatusCode::OK);
    let path = "/api/hubs/chat/:generateToken?api-version=2024-12-01";
    let answer: Value =
        service.call(Method::POST, path).send().await.unwrap().json().await.unwrap();
    let claims = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], format!("https://{}/client/?hub=chat", service.host));
    service.stop().await;
}

impl Client {
    async fn ping(&mut self, payload: Bytes) {
        use futures_util::SinkExt;
        self.socket.send(Message::Ping(payload)).await.unwrap();
    }
}
