//! Several services.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use signalr_serverless::{
    ApplicationName, ConnectionString, Error, Fault, HubName, NegotiateOptions,
    rest::{ApiVersion, Endpoint, Endpoints, Hub, Message, RetryPolicy},
};

use crate::server::{Server, status};

fn service(host: &str) -> ConnectionString {
    ConnectionString::parse(&format!("Endpoint=http://{host};AccessKey=k")).unwrap()
}

/// An endpoint whose service is never called.
fn named(name: &str) -> Endpoint {
    Endpoint::new(name, service(name))
}

fn hub() -> HubName {
    HubName::parse("chat").unwrap()
}

async fn negotiate(endpoints: &Endpoints, random: u64) -> Result<String, Error> {
    let options = NegotiateOptions::default();
    Ok(endpoints.negotiate(&hub(), &options, SystemTime::now(), random).await?.url)
}

/// A service that is up or down as the flag says.
async fn switched() -> (Server, Arc<AtomicBool>) {
    let up = Arc::new(AtomicBool::new(true));
    let answer = up.clone();
    let server =
        Server::start(move |_| status(if answer.load(Ordering::SeqCst) { 200 } else { 503 })).await;
    (server, up)
}

fn at(name: &str, server: &Server) -> Endpoint {
    Endpoint::new(name, server.service(""))
}

async fn broadcast(hub: Hub) -> Result<(), Error> {
    hub.broadcast(&Message::new("m", &()).unwrap()).await
}

fn online(endpoints: &Endpoints) -> Vec<&str> {
    endpoints.online().collect()
}

#[tokio::test]
async fn clients_are_spread_by_weight() {
    let endpoints = Endpoints::new([
        named("a").with_weight(1),
        named("b").with_weight(3),
        named("c").with_weight(0),
        named("d").as_secondary(),
    ])
    .unwrap();
    let mut counts = BTreeMap::new();
    for random in 0..4000 {
        *counts.entry(negotiate(&endpoints, random).await.unwrap()).or_insert(0) += 1;
    }
    let url = |name| format!("http://{name}/client/?hub=chat");
    assert_eq!(counts, BTreeMap::from([(url("a"), 1000), (url("b"), 3000)]));
    assert!(negotiate(&endpoints, u64::MAX).await.is_ok());
}

#[tokio::test]
async fn secondaries_take_clients_where_no_primary_does() {
    let ((one, one_up), (two, two_up)) = (switched().await, switched().await);
    let endpoints = Endpoints::new([at("one", &one), at("two", &two).as_secondary()]).unwrap();
    let now = SystemTime::now();
    let chosen = |server: &Server| format!("http://{}/client/?hub=chat", server.host_and_port);
    assert_eq!(negotiate(&endpoints, 1).await.unwrap(), chosen(&one));

    one_up.store(false, Ordering::SeqCst);
    endpoints.check_health(now).await;
    assert_eq!(online(&endpoints), ["two"]);
    assert_eq!(negotiate(&endpoints, 1).await.unwrap(), chosen(&two));

    two_up.store(false, Ordering::SeqCst);
    endpoints.check_health(now).await;
    let error = negotiate(&endpoints, 1).await.unwrap_err();
    let said = "none of the endpoints one, two is online; check that the services are up";
    assert_eq!((error.to_string().as_str(), error.fault()), (said, Fault::Service));

    one_up.store(true, Ordering::SeqCst);
    endpoints.clone().check_health(now).await;
    assert_eq!(negotiate(&endpoints, 1).await.unwrap(), chosen(&one));
}

#[tokio::test]
async fn calls_go_to_all_that_are_online_with_a_result_for_each() {
    let ((one, _), (two, two_up), (three, three_up)) =
        (switched().await, switched().await, switched().await);
    let endpoints = Endpoints::new([
        at("one", &one),
        at("two", &two).as_secondary(),
        at("three", &three).with_weight(0),
    ])
    .unwrap();
    two_up.store(false, Ordering::SeqCst);
    endpoints.check_health(SystemTime::now()).await;
    three_up.store(false, Ordering::SeqCst);

    let results = endpoints.call(&hub(), broadcast).await.unwrap();
    let results: Vec<_> = results.iter().map(|it| (&*it.endpoint, it.result.is_ok())).collect();
    assert_eq!(results, [("one", true), ("three", false)]);
}

#[tokio::test]
async fn a_call_where_nobody_is_online_is_an_error() {
    let (one, up) = switched().await;
    let endpoints = Endpoints::new([at("one", &one)]).unwrap();
    up.store(false, Ordering::SeqCst);
    endpoints.check_health(SystemTime::now()).await;
    let error = endpoints.call(&hub(), broadcast).await.unwrap_err();
    assert!(matches!(error, Error::NoEndpointOnline { .. }), "{error}");
}

#[tokio::test]
async fn health_is_asked_without_a_token_and_only_where_it_is_old() {
    let mut server = Server::start(|_| status(200)).await;
    let endpoints = Endpoints::new([at("one", &server)])
        .unwrap()
        .with_version(ApiVersion::V1Preview)
        .with_retries(RetryPolicy::default());
    let minute = Duration::from_secs(60);
    let start = SystemTime::now();
    endpoints.refresh_health(minute, start).await;
    let request = server.request();
    assert_eq!(
        (&*request.method, &*request.target),
        ("HEAD", "/api/health?api-version=2024-12-01")
    );
    assert_eq!(request.header("authorization"), None);

    endpoints.refresh_health(minute, start + minute).await;
    assert_eq!(server.count(), 0);
    endpoints.refresh_health(minute, start + minute + Duration::from_secs(1)).await;
    assert_eq!(server.count(), 1);
    assert_eq!(online(&endpoints), ["one"]);
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_or_is_something_else_is_offline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = service(&listener.local_addr().unwrap().to_string());
    drop(listener);
    let elsewhere = Server::start(|_| status(404)).await;
    let endpoints =
        Endpoints::new([Endpoint::new("gone", gone), at("elsewhere", &elsewhere)]).unwrap();
    assert_eq!(online(&endpoints), ["gone", "elsewhere"], "not asked yet");
    endpoints.check_health(SystemTime::now()).await;
    assert!(online(&endpoints).is_empty());
}

#[tokio::test]
async fn settings_hold_for_every_endpoint() {
    let (mut one, mut two) =
        (Server::start(|_| status(202)).await, Server::start(|_| status(202)).await);
    let endpoints = Endpoints::new([at("one", &one), at("two", &two)])
        .unwrap()
        .with_application(ApplicationName::parse("shop").unwrap())
        .with_version(ApiVersion::V1)
        .with_time_limit(Duration::from_secs(20));
    endpoints.call(&hub(), broadcast).await.unwrap();
    for server in [&mut one, &mut two] {
        assert_eq!(server.request().target, "/api/v1/hubs/shop_chat");
    }
    assert!(negotiate(&endpoints, 0).await.unwrap().ends_with("/client/?hub=shop_chat"));
}

#[test]
fn lists_of_endpoints_that_make_no_sense_are_refused() {
    for (endpoints, problem) in [
        (vec![], "list of endpoints has no primary"),
        (vec![named("a").as_secondary()], "list of endpoints has no primary"),
        (vec![named("a"), named("b"), named("a")], "endpoint name 'a' is given twice"),
        (vec![Endpoint::new("", service("a"))], "endpoint name is empty"),
    ] {
        let error = Endpoints::new(endpoints).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
        assert_eq!(error.fault(), Fault::Caller);
    }
    let entra = ConnectionString::parse("Endpoint=https://x.net;AuthType=azure").unwrap();
    let built = Endpoints::new([named("a"), Endpoint::new("b", entra)]);
    assert_eq!(built.is_ok(), cfg!(feature = "entra"), "{built:?}");
}
