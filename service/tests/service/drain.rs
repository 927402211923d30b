//! The end of a service, as balancers and clients see it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use signalr_service::{Config, Drain, Timeouts};
use tokio::{task::yield_now, time::timeout};

use crate::client::{PATIENCE, Running, refusal, start, start_with};

async fn probe(service: &Running, path: &str) -> StatusCode {
    let response = service.http(Method::GET, path).send().await.unwrap();
    let status = response.status();
    assert_eq!(response.bytes().await.unwrap(), "", "{path}");
    status
}

async fn until_not_ready(service: &Running) {
    let not_ready = async {
        while probe(service, "/ready").await == StatusCode::OK {
            yield_now().await;
        }
    };
    timeout(PATIENCE, not_ready).await.unwrap();
    assert_eq!(probe(service, "/ready").await, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn probes_need_no_token_and_say_nothing_but_a_status() {
    let service = start().await;
    for path in ["/live", "/ready"] {
        assert_eq!(probe(&service, path).await, StatusCode::OK);
        let head = service.http(Method::HEAD, path).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK, "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_balancer_sees_the_end_while_everything_is_still_served() {
    let drain = Drain { delay: Duration::from_secs(2), ..Drain::default() };
    let mut service = start_with(Config { drain, ..Config::default() }).await;
    let mut early = service.connect(None).await;
    service.end();
    until_not_ready(&service).await;
    assert_eq!(probe(&service, "/live").await, StatusCode::OK);
    let mut late = service.connect(None).await;
    service.broadcast(json!([1])).await;
    for client in [&mut early, &mut late] {
        assert_eq!(client.arguments().await, json!([1]));
        assert_eq!(client.closed().await["allowReconnect"], true);
    }
    service.stop().await;
}

#[tokio::test]
async fn who_comes_while_clients_are_sent_away_is_refused_and_the_deadline_holds() {
    let timeouts = Timeouts { close: Duration::from_secs(60), ..Timeouts::default() };
    let drain = Drain { deadline: Duration::from_secs(2), ..Drain::default() };
    let mut service = start_with(Config { timeouts, drain, ..Config::default() }).await;
    // It does not answer the Close, so it has to be cut off.
    let _silent = service.connect(None).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let negotiation = service.negotiate("chat", None).await;
        tokens.push(negotiation["connectionToken"].as_str().unwrap().to_owned());
    }
    let start = Instant::now();
    service.end();
    until_not_ready(&service).await;

    let (status, text) = refusal(&service.connect_url("chat", None, &tokens[0])).await;
    assert_eq!((status, text.as_str()), (503, "the service is shutting down"));
    let events = format!("/client/?hub=chat&id={}", tokens[1]);
    let polls = format!("/client/?hub=chat&id={}", tokens[2]);
    let negotiate = "/client/negotiate?hub=chat&negotiateVersion=1";
    for (method, path, accept) in [
        (Method::POST, negotiate, "*/*"),
        (Method::GET, &events, "text/event-stream"),
        (Method::GET, &polls, "*/*"),
    ] {
        let request = service.http(method, path).header("accept", accept);
        let refused = request.bearer_auth(service.client_token("chat", None)).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(refused.headers()["retry-after"], "2");
    }
    assert_eq!(service.counters.clients_refused_at_end(), 4);
    service.stop().await;
    let took = start.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{took:?}");
}
