//! Which calls are repeated and which are not.

use std::time::Duration;

use signalr_serverless::{
    ConnectionId, Error, Fault, GroupName, StreamId, UserId,
    rest::{Command, Hub, Message, RetryPolicy},
};

use crate::server::{Reply, Server, status};

fn hub(server: &Server, retries: u32) -> Hub {
    let policy = RetryPolicy::fixed(retries, Duration::ZERO);
    server.client().with_retries(policy).hub("chat".parse().unwrap())
}

fn message() -> Message {
    Message::new("m", &()).unwrap()
}

/// How many requests came when the first ones get these replies.
async fn management(replies: impl IntoIterator<Item = Reply>) -> (usize, Result<(), Error>) {
    let mut server = Server::scripted(replies).await;
    let user = hub(&server, 2).user(UserId::parse("u").unwrap());
    let result = user.remove_from_all_groups().await;
    (server.count(), result)
}

async fn send(replies: impl IntoIterator<Item = Reply>) -> (usize, Result<(), Error>) {
    let mut server = Server::scripted(replies).await;
    let result = hub(&server, 2).broadcast(&message()).await;
    (server.count(), result)
}

#[tokio::test]
async fn changes_are_made_again_after_failures_of_service_and_network() {
    for failed in [500, 502, 503, 504, 599, 408, 429] {
        let (count, result) = management([status(failed), status(failed)]).await;
        assert!(result.is_ok() && count == 3, "{failed}");
    }
    let (count, result) = management([Reply::HangUp, Reply::HangUp]).await;
    assert!(result.is_ok() && count == 3);
}

#[tokio::test]
async fn nothing_is_made_again_that_would_fail_again() {
    for failed in [301, 400, 401, 403, 404, 405, 409, 413] {
        let (count, result) = management([status(failed)]).await;
        assert!(result.is_err() && count == 1, "{failed}");
        let (count, result) = send([status(failed)]).await;
        assert!(result.is_err() && count == 1, "{failed}");
    }
}

#[tokio::test]
async fn a_send_is_made_again_only_where_nothing_was_done() {
    for failed in [429, 503] {
        let (count, result) = send([status(failed), status(failed)]).await;
        assert!(result.is_ok() && count == 3, "{failed}");
    }
    for failed in [500, 502, 504, 408] {
        let (count, result) = send([status(failed)]).await;
        assert!(result.is_err() && count == 1, "{failed}");
    }
    let (count, result) = send([Reply::HangUp]).await;
    assert!(matches!(result, Err(Error::Interrupted { .. })) && count == 1);
}

#[tokio::test]
async fn a_send_is_not_made_again_after_the_time_limit_but_a_change_is() {
    let policy = RetryPolicy::fixed(1, Duration::ZERO);
    let mut server = Server::start(|_| Reply::Silence).await;
    let client = server.client().with_time_limit(Duration::from_millis(50)).with_retries(policy);
    let hub = client.hub("chat".parse().unwrap());

    let error = hub.broadcast(&message()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(server.count(), 1);

    let error = hub.user("u".parse().unwrap()).exists().await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn the_last_failure_is_the_result() {
    let (count, result) = management([status(500), status(429), status(503)]).await;
    let Err(Error::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!((count, refusal.status.as_u16()), (3, 503));
}

#[tokio::test]
async fn without_a_policy_everything_is_made_once() {
    let mut server = Server::start(|_| status(503)).await;
    assert!(server.hub().broadcast(&message()).await.is_err());
    assert!(server.hub().user("u".parse().unwrap()).exists().await.is_err());
    assert_eq!(server.count(), 2);
}

/// Every kind of call that would double what it does.
#[tokio::test]
async fn whatever_reaches_clients_is_a_send() {
    let mut server = Server::start(|_| status(500)).await;
    let hub = hub(&server, 1);
    let (user, group): (UserId, GroupName) = ("u".parse().unwrap(), "g".parse().unwrap());
    let connection = hub.connection(ConnectionId::parse("c").unwrap());
    let stream = connection.stream(StreamId::parse("s").unwrap());
    let (message, join) = (message(), Command::JoinGroup { group: group.clone() });
    let send = [join.clone(), Command::SendMessage { message: message.clone() }];

    let once = [
        hub.broadcast(&message).await,
        hub.user(user.clone()).send(&message).await,
        hub.group(group.clone()).send(&message).await,
        connection.send(&message).await,
        connection.invoke(&message).await,
        stream.send(&1).await,
        stream.complete(None).await,
        hub.execute(None, &send).await,
    ];
    assert!(once.iter().all(Result::is_err));
    assert_eq!(server.count(), once.len());

    let twice = [
        hub.execute(None, &[join]).await,
        hub.close_connections(&[], None).await,
        hub.generate_token(None, Duration::from_secs(60)).await.map(drop),
        hub.group(group).exists().await.map(drop),
    ];
    assert!(twice.iter().all(Result::is_err));
    assert_eq!(server.count(), 2 * twice.len());
}

#[tokio::test]
async fn health_is_asked_once() {
    let mut server = Server::start(|_| status(503)).await;
    let client = server.client().with_retries(RetryPolicy::fixed(3, Duration::ZERO));
    assert!(!client.health().await.unwrap());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn retry_after_is_carried_and_too_much_of_it_ends_the_call() {
    const HEADERS: &str = "retry-after: 120\r\n";
    let busy = || Reply::Http(429, HEADERS, String::new());
    let (count, result) = send([busy()]).await;
    let error = result.unwrap_err();
    assert_eq!((count, error.fault()), (1, Fault::Service));
    let Error::Refused(refusal) = error else { panic!("{error}") };
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(120)));

    let at_once = || Reply::Http(429, "Retry-After: 0\r\n", String::new());
    let mut server = Server::scripted([at_once()]).await;
    let slow = RetryPolicy::fixed(1, Duration::from_secs(3600));
    let client = server.client().with_retries(slow);
    client.hub("chat".parse().unwrap()).broadcast(&message()).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn each_attempt_has_the_whole_body_and_a_token() {
    let mut server = Server::scripted([status(503)]).await;
    hub(&server, 1).broadcast(&message()).await.unwrap();
    for _ in 0..2 {
        let request = server.request();
        assert_eq!(request.body, r#"{"target":"m","arguments":[]}"#);
        assert!(request.header("authorization").unwrap().starts_with("Bearer "));
    }
}

#[tokio::test]
async fn where_no_connection_comes_about_a_send_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let service = format!("Endpoint={endpoint};AccessKey=k").parse().unwrap();
    let attempts = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = attempts.clone();
    let policy = RetryPolicy::fixed(2, Duration::ZERO).with_jitter(move |delay| {
        seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        delay
    });
    let client = signalr_serverless::rest::RestClient::new(&service).unwrap().with_retries(policy);
    let error = client.hub("chat".parse().unwrap()).broadcast(&message()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(attempts.load(std::sync::atomic::Ordering::SeqCst), 2);
}
