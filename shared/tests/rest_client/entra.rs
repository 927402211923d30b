//! Services with a Microsoft Entra identity: the token of calls, and the key that signs.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde_json::Value;
use signalr_serverless::{
    ApplicationName, Error, Fault, HubName, NegotiateAnswer, NegotiateOptions, Negotiator,
    PendingToken, Token, TokenSource,
    rest::{Message, RestClient},
};

use crate::server::{Reply, Server, json, status};

/// Tokens `entra.1`, `entra.2` and so on, or this error.
struct Source {
    issued: AtomicUsize,
    problem: Option<&'static str>,
}

impl TokenSource for Source {
    fn token<'a>(&'a self, scope: &'a str) -> PendingToken<'a> {
        assert_eq!(scope, "https://signalr.azure.com/.default");
        Box::pin(async {
            if let Some(problem) = self.problem {
                return Err(problem.into());
            }
            let issued = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Token::parse(&format!("entra.{issued}"))?)
        })
    }
}

fn source(problem: Option<&'static str>) -> Source {
    Source { issued: AtomicUsize::new(0), problem }
}

fn negotiator(server: &Server) -> Negotiator {
    let service = server.service("").with_token_source(source(None));
    Negotiator::with_client(&service, &RestClient::new(&service).unwrap()).unwrap()
}

fn at(minutes: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + minutes * 60)
}

async fn negotiate(negotiator: &Negotiator, minute: u64) -> Result<NegotiateAnswer, Error> {
    let options = NegotiateOptions::default();
    negotiator.negotiate(&HubName::parse("Chat").unwrap(), &options, at(minute)).await
}

fn key_id(answer: &Result<NegotiateAnswer, Error>) -> String {
    let token = &answer.as_ref().unwrap().access_token;
    jsonwebtoken::decode_header(token.as_str()).unwrap().kid.unwrap()
}

fn key(number: usize) -> Reply {
    json(format!(r#"{{"AccessKey":"secret{number}","KeyId":"key{number}"}}"#))
}

#[tokio::test]
async fn calls_carry_the_sources_token_as_it_is() {
    let mut server = Server::scripted([]).await;
    let service = server.service("").with_token_source(source(None));
    let hub = RestClient::new(&service).unwrap().hub(HubName::parse("chat").unwrap());
    for expected in ["Bearer entra.1", "Bearer entra.2"] {
        hub.broadcast(&Message::new("m", &[1]).unwrap()).await.unwrap();
        assert_eq!(server.request().header("authorization"), Some(expected));
    }
}

#[tokio::test]
async fn a_source_without_a_token_is_told_and_nothing_is_sent() {
    let mut server = Server::scripted([]).await;
    let service = server.service("").with_token_source(source(Some("no\n  identity here")));
    let error = RestClient::new(&service).unwrap().access_key().await.unwrap_err();
    assert_eq!(error.fault(), Fault::Configuration);
    assert!(error.to_string().contains("service: no identity here; check"), "{error}");
    assert!(!server.has_request());
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_not_waited_for() {
    struct Silent;
    impl TokenSource for Silent {
        fn token<'a>(&'a self, _: &'a str) -> PendingToken<'a> {
            Box::pin(std::future::pending())
        }
    }
    let server = Server::scripted([]).await;
    let service = server.service("").with_token_source(Silent);
    let limit = Duration::from_millis(10);
    let client = RestClient::new(&service).unwrap().with_time_limit(limit);
    let error = client.access_key().await.unwrap_err().to_string();
    assert!(error.contains("it did not come within 10ms"), "{error}");
}

#[tokio::test]
async fn answers_are_signed_with_the_services_key_and_say_so() {
    let mut server = Server::scripted([key(1)]).await;
    let negotiator = negotiator(&server).with_application(ApplicationName::parse("shop").unwrap());
    let answer = negotiate(&negotiator, 0).await.unwrap();

    let request = server.request();
    assert_eq!((&*request.method, &*request.target), ("GET", "/api/v1/auth/accessKey"));
    assert_eq!(request.header("authorization"), Some("Bearer entra.1"));
    let url = format!("http://{}/client/?hub=shop_chat", server.host_and_port);
    assert_eq!(answer.url, url);
    let mut validation = jsonwebtoken::Validation::default();
    validation.set_audience(&[url]);
    validation.validate_exp = false;
    let secret = jsonwebtoken::DecodingKey::from_secret(b"secret1");
    let token = answer.access_token.as_str();
    let token = jsonwebtoken::decode::<Value>(token, &secret, &validation).unwrap();
    assert_eq!(token.header.kid.as_deref(), Some("key1"));
}

#[tokio::test]
async fn the_key_is_renewed_by_age() {
    let mut server = Server::scripted([key(1), key(2), key(3)]).await;
    let negotiator = negotiator(&server);
    for (minute, expected) in
        [(0, "key1"), (54, "key1"), (55, "key2"), (109, "key2"), (110, "key3"), (300, "missing")]
    {
        let answer = negotiate(&negotiator, minute).await;
        match expected {
            "missing" => assert!(matches!(answer, Err(Error::InvalidReply { .. })), "{answer:?}"),
            expected => assert_eq!(key_id(&answer), expected, "{minute}"),
        }
    }
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn the_old_key_signs_while_there_is_no_new_one() {
    let mut server =
        Server::scripted([key(1), status(503), status(503), status(403), key(2)]).await;
    let negotiator = negotiator(&server);
    // A failed attempt is repeated after 5 minutes.
    for minute in [0, 55, 59, 60, 64] {
        assert_eq!(key_id(&negotiate(&negotiator, minute).await), "key1", "{minute}");
    }
    assert_eq!(server.count(), 3);
    let error = negotiate(&negotiator, 110).await.unwrap_err();
    assert!(error.to_string().contains("SignalR App Server"), "{error}");
    assert_eq!(key_id(&negotiate(&negotiator, 110).await), "key2");
}

/// A source that takes this long to answer.
struct Slow(Duration);

impl TokenSource for Slow {
    fn token<'a>(&'a self, _: &'a str) -> PendingToken<'a> {
        Box::pin(async {
            tokio::time::sleep(self.0).await;
            Ok(Token::parse("slow")?)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_token_is_time_of_the_call() {
    let server = Server::start(|_| Reply::Silence).await;
    let seconds = Duration::from_secs;
    for token_takes in [6, 60] {
        let service = server.service("").with_token_source(Slow(seconds(token_takes)));
        let client = RestClient::new(&service).unwrap().with_time_limit(seconds(10));
        let start = tokio::time::Instant::now();
        client.access_key().await.unwrap_err();
        let took = start.elapsed();
        assert!(took >= seconds(10) && took < seconds(11), "{took:?}");
    }
}

#[tokio::test]
async fn callers_at_the_same_time_ask_once() {
    let mut server = Server::scripted([key(1)]).await;
    let negotiator = negotiator(&server);
    let answers = futures_util::future::join_all((0..20).map(|_| negotiate(&negotiator, 0))).await;
    assert!(answers.iter().all(|answer| key_id(answer) == "key1"));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn callers_who_waited_for_the_same_attempt_have_the_same_failure() {
    let mut server = Server::scripted([status(403), key(1)]).await;
    let negotiator = negotiator(&server);
    let answers = futures_util::future::join_all((0..20).map(|_| negotiate(&negotiator, 0))).await;
    for answer in answers {
        assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
    }
    assert_eq!(server.count(), 1);
    assert_eq!(key_id(&negotiate(&negotiator, 0).await), "key1");
}

#[tokio::test]
async fn a_service_that_hangs_is_waited_for_once_in_a_while_and_not_long() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = Server::start(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => key(1),
        _ => Reply::Silence,
    })
    .await;
    let negotiator = negotiator(&server);
    assert_eq!(key_id(&negotiate(&negotiator, 0).await), "key1");
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    // The first caller gives up before there is an answer, like a function whose time is over.
    let brief = Duration::from_millis(10);
    assert!(tokio::time::timeout(brief, negotiate(&negotiator, 56)).await.is_err());
    for minute in [56, 57, 60] {
        assert_eq!(key_id(&negotiate(&negotiator, minute).await), "key1", "{minute}");
    }
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(calls.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn nobody_waits_for_a_new_key_who_has_an_old_one() {
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let (asked, calls) = (Mutex::new(Some(asked)), Arc::new(AtomicUsize::new(0)));
    let server = Server::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => key(1),
        _ => {
            asked.lock().unwrap().take().unwrap().send(()).unwrap();
            Reply::Silence
        }
    })
    .await;
    let negotiator = negotiator(&server);
    assert_eq!(key_id(&negotiate(&negotiator, 0).await), "key1");
    let other = negotiator.clone();
    let renewing = tokio::spawn(async move { negotiate(&other, 60).await });
    was_asked.await.unwrap();
    assert_eq!(key_id(&negotiate(&negotiator, 60).await), "key1");
    // A caller that gives up leaves no lock behind.
    renewing.abort();
    assert!(renewing.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn tokens_that_fit_no_header_are_refused() {
    for bad in ["", "a b", "a\r\nx: y", "é"] {
        let error = Token::parse(bad).unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
    }
}
