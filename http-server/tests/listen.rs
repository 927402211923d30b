//! Ports that open, and ports that do not.

#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::time::Duration;

use signalr_http_server::Listen;
use tokio::{net::TcpStream, time::timeout};

#[tokio::test]
async fn both_loopback_addresses_have_the_same_port() {
    let listeners = Listen::Loopback { port: 0 }.bind().await.unwrap();
    let ports: Vec<u16> =
        listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    assert!(ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let taken = Listen::Loopback { port: 0 }.bind().await.unwrap();
    let port = taken[0].local_addr().unwrap().port();
    let text = Listen::Loopback { port }.bind().await.unwrap_err().to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains("choose another"), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_named_with_what_to_do() {
    // TEST-NET-1, which no machine has. Source: RFC 5737.
    let elsewhere = Listen::Address("192.0.2.1:0".parse().unwrap());
    let error = elsewhere.bind().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("192.0.2.1:0") && text.contains("0.0.0.0"), "{text}");
    assert_eq!(error.into_cause().kind(), std::io::ErrorKind::AddrNotAvailable);
}

/// The test accepts none of these connections, so all of them wait.
#[tokio::test]
async fn many_connections_may_wait_to_be_taken() {
    let listeners = Listen::Address("127.0.0.1:0".parse().unwrap()).bind().await.unwrap();
    let address = listeners[0].local_addr().unwrap();
    let mut waiting = Vec::new();
    for number in 0..400 {
        let connected = timeout(Duration::from_millis(900), TcpStream::connect(address)).await;
        waiting.push(connected.unwrap_or_else(|_| panic!("number {number}")).unwrap());
    }
}
