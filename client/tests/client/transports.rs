//! Behaviour that every transport and protocol shares.

use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use signalr_client::{Client, Event, Protocol, Transport};
use signalr_serverless::{ConnectionId, UserId, rest::Message};
use tokio::net::TcpListener;

use crate::scene::{Scene, arguments, closed, next, numbers};

const ALL: [(Transport, Protocol); 5] = [
    (Transport::WebSockets, Protocol::Json),
    (Transport::WebSockets, Protocol::MessagePack),
    (Transport::ServerSentEvents, Protocol::Json),
    (Transport::LongPolling, Protocol::Json),
    (Transport::LongPolling, Protocol::MessagePack),
];

#[tokio::test]
async fn messages_come_in_order_and_a_goodbye_is_heard() {
    let scene = Scene::start().await;
    let ann = scene.hub.user(UserId::parse("ann").unwrap());
    for (transport, protocol) in ALL {
        let client = scene.client().with_transports([transport]).with_protocol(protocol);
        let (connection, mut events) = client.connect().await.unwrap();
        for number in 0..5 {
            scene.broadcast(json!([number])).await;
        }
        for expected in numbers(0..5) {
            assert_eq!(arguments(&mut events).await, expected, "{transport:?} {protocol:?}");
        }
        let odd =
            json!(["é\n\r\u{2028}\"", { "a": [1.5, null, -1, 18_446_744_073_709_551_615_u64] }]);
        scene.broadcast(odd.clone()).await;
        assert_eq!(arguments(&mut events).await, odd, "{transport:?} {protocol:?}");
        assert!(ann.exists().await.unwrap());
        connection.close().await;
        assert_eq!(closed(&mut events).await, "the client closed the connection");
        while ann.exists().await.unwrap() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_server_closes_with_its_reason() {
    let scene = Scene::start().await;
    for (transport, protocol) in ALL {
        let client = scene.client().with_transports([transport]).with_protocol(protocol);
        let (connection, mut events) = client.connect().await.unwrap();
        let id = ConnectionId::parse(&connection.id().unwrap()).unwrap();
        scene.hub.connection(id).close(Some("home time")).await.unwrap();
        assert_eq!(closed(&mut events).await, "the server closed the connection: home time");
    }
}

#[tokio::test]
async fn the_client_answers_calls_of_the_server() {
    let scene = Scene::start().await;
    for (transport, protocol) in ALL {
        let client = scene.client().with_transports([transport]).with_protocol(protocol);
        let (connection, mut events) = client.connect().await.unwrap();
        let id = ConnectionId::parse(&connection.id().unwrap()).unwrap();
        let asked = scene.hub.connection(id);
        tokio::spawn(async move {
            while let Some(Event::Invocation(call)) = events.next().await {
                assert!(call.wants_answer());
                match call.target() {
                    "double" => {
                        let (number,): (i64,) = call.arguments().read().unwrap();
                        call.answer(&(2 * number)).unwrap();
                    }
                    "fail" => call.fail("it is broken"),
                    _ => drop(call),
                }
            }
        });
        let call = |target| Message::new(target, &(21,)).unwrap();
        assert_eq!(asked.invoke::<i64>(&call("double")).await.unwrap(), 42);
        let error = asked.invoke::<Value>(&call("fail")).await.unwrap_err().to_string();
        assert!(error.contains("it is broken"), "{error}");
        let error = asked.invoke::<Value>(&call("nothing")).await.unwrap_err().to_string();
        assert!(error.contains("provide a result"), "{error}");
    }
}

#[tokio::test]
async fn a_negotiate_function_sends_clients_on() {
    let scene = Scene::start().await;
    let url = format!("http://{}/client/?hub=chat", scene.host);
    let answer = json!({ "url": url, "accessToken": scene.token() });
    let app = Router::new().route("/api/chat/negotiate", post(async move || Json(answer)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(&format!("http://{host}/api/chat?user=ann")).unwrap();
    let (_connection, mut events) = client.connect().await.unwrap();
    scene.broadcast(json!(["hello"])).await;
    assert_eq!(arguments(&mut events).await, json!(["hello"]));
}

#[tokio::test]
async fn what_is_not_read_waits_and_is_not_lost() {
    let scene = Scene::start().await;
    let (_connection, mut events) = scene.client().with_queued_events(2).connect().await.unwrap();
    for number in 0..300 {
        scene.broadcast(json!([number])).await;
    }
    for expected in numbers(0..300) {
        assert_eq!(arguments(&mut events).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_holds_many_connections() {
    const MANY: usize = 500;
    let scene = Scene::start().await;
    let http = signalr_http_client::client(&signalr_client::Trust::default()).unwrap();
    let mut all = Vec::new();
    for _ in 0..MANY {
        let client = scene.client().with_http_client(http.clone());
        all.push(client.connect().await.unwrap());
    }
    scene.broadcast(json!(["all"])).await;
    for (connection, mut events) in all {
        assert_eq!(arguments(&mut events).await, json!(["all"]));
        drop(connection);
        assert!(matches!(next(&mut events).await, Event::Closed(_)), "the last clone is dropped");
    }
}
