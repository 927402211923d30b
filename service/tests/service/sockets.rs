//! Bounds of sockets, of one address, and of clients that connect in a second.

use std::num::NonZeroU32;

use reqwest::{Method, StatusCode};
use signalr_service::{Config, SocketLimits};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, client::IntoClientRequest},
};

use crate::client::{Client, PATIENCE, Running, refusal, start, start_with};

const HEALTH: &[u8] = b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n\r\n";

async fn start_with_sockets(sockets: SocketLimits) -> Running {
    start_with(Config { sockets, ..Config::default() }).await
}

/// What a caller on a connection of its own gets, to the end of the connection.
async fn last_answer(mut caller: TcpStream, request: &[u8]) -> String {
    let mut came = String::new();
    caller.write_all(request).await.unwrap();
    timeout(PATIENCE, caller.read_to_string(&mut came)).await.unwrap().unwrap();
    came
}

/// A WebSocket of a client that skips negotiation.
fn url(service: &Running) -> String {
    let token = service.client_token("chat", None);
    format!("ws://{}/client/?hub=chat&access_token={token}", service.host)
}

#[tokio::test]
async fn clients_that_take_every_place_leave_some_for_operators() {
    let limits = SocketLimits { connections: 10, reserved: 2, ..SocketLimits::default() };
    let service = start_with_sockets(limits).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::open(&url(&service)).await;
        client.shake_hands().await;
        clients.push(client);
    }
    assert_eq!(service.counters.sockets().open, 8);

    // No client gets in any more, in whatever way.
    let (status, text) = refusal(&url(&service)).await;
    assert!(status == 503 && text.contains("not for clients"), "{status} {text}");
    let negotiate = service.http(Method::POST, "/client/negotiate?hub=chat&negotiateVersion=1");
    let negotiate = negotiate.bearer_auth(service.client_token("chat", None)).send();
    let negotiate = negotiate.await.unwrap();
    assert_eq!(negotiate.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(negotiate.headers().contains_key("retry-after"));
    assert_eq!(service.counters.connections_refused(), 2);

    // REST and health do, one call for each connection.
    assert_eq!(service.status(Method::HEAD, "/api/v1/hubs/chat/users/ann").await, 404);
    let caller = TcpStream::connect(&service.host).await.unwrap();
    let health = last_answer(caller, HEALTH).await;
    assert!(
        health.starts_with("HTTP/1.1 200 ") && health.contains("connection: close"),
        "{health}"
    );

    // Past the last place there is an answer all the same.
    service.until(|counters| counters.sockets().open == 8).await;
    let idle = [0, 1].map(|_| TcpStream::connect(service.host.clone()));
    let idle = futures_util::future::join_all(idle).await;
    service.until(|counters| counters.sockets().open == 10).await;
    let caller = TcpStream::connect(&service.host).await.unwrap();
    let refused = last_answer(caller, HEALTH).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after"), "{refused}");
    assert_eq!(service.counters.sockets().refused, 1);

    drop((idle, clients));
    service.until(|counters| counters.sockets().open == 0).await;
    Client::open(&url(&service)).await.shake_hands().await;
}

#[tokio::test]
async fn sockets_that_take_the_last_places_without_a_word_are_closed_soon() {
    let limits = SocketLimits { connections: 4, reserved: 2, ..SocketLimits::default() };
    let service = start_with_sockets(limits).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(TcpStream::connect(&service.host).await.unwrap());
    }
    service.until(|counters| counters.sockets().open == 4).await;
    let last = idle.pop().unwrap();
    assert_eq!(last_answer(last, b"GET /").await, "");
    service.until(|counters| counters.sockets().open == 2).await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_others_have_theirs() {
    let limits = SocketLimits { per_address: Some(2), ..SocketLimits::default() };
    let service = start_with_sockets(limits).await;
    let from = async |address: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        socket.connect(service.host.parse().unwrap()).await.unwrap()
    };
    let taken = [from("127.0.0.2").await, from("127.0.0.2").await];
    let refused = last_answer(from("127.0.0.2").await, HEALTH).await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("retry-after"), "{refused}");
    assert_eq!(service.status(Method::GET, "/api/v1/health").await, 200);
    assert_eq!(service.counters.sockets().refused_of_address, 1);
    drop(taken);
    service.until(|counters| counters.sockets().open <= 1).await;
    drop(from("127.0.0.2").await);
}

/// A WebSocket through a proxy that names its caller.
async fn connect_as(service: &Running, caller: &str) -> Result<impl Sized, tungstenite::Error> {
    let mut request = url(service).into_client_request().unwrap();
    request.headers_mut().insert("x-forwarded-for", caller.parse().unwrap());
    connect_async(request).await
}

#[tokio::test]
async fn behind_a_trusted_proxy_callers_count_and_not_the_proxy() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limits = SocketLimits { per_address: Some(1), trusted_proxies, ..SocketLimits::default() };
    let service = start_with_sockets(limits).await;
    let first = connect_as(&service, "192.0.2.1").await.unwrap();
    let _second = connect_as(&service, "192.0.2.2, 127.0.0.9").await.unwrap();
    match connect_as(&service, "192.0.2.9, 192.0.2.1").await.err() {
        Some(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 429),
        other => panic!("not refused: {other:?}"),
    }
    drop(first);
    // The count ends with the connection, whose end the service learns of in its own time.
    let again = async {
        while connect_as(&service, "192.0.2.1").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn so_many_clients_may_connect_in_a_second() {
    let max_connect_rate = NonZeroU32::new(2);
    let service = start_with(Config { max_connect_rate, ..Config::default() }).await;
    let mut taken = 0;
    // Of eight at once some are too many, however slow the machine is.
    let statuses = (0..8).map(|_| {
        let request = service.http(Method::POST, "/client/negotiate?hub=chat&negotiateVersion=1");
        request.bearer_auth(service.client_token("chat", None)).send()
    });
    for answer in futures_util::future::join_all(statuses).await {
        let answer = answer.unwrap();
        match answer.status() {
            StatusCode::OK => taken += 1,
            status => {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                assert!(answer.headers().contains_key("retry-after"));
            }
        }
    }
    assert!((2..8).contains(&taken), "{taken} of 8 were taken");
    assert_eq!(service.counters.connects_refused(), 8 - taken);
}

#[tokio::test]
async fn no_socket_stays_in_the_count() {
    let service = start().await;
    for _ in 0..20 {
        drop(service.connect(None).await);
        drop(Client::open(&url(&service)).await);
    }
    // The calls of the test keep a connection for the next one.
    service.until(|counters| counters.sockets().open <= 1).await;
}
