//! The errors for answers without success and for network failures.

use std::{error::Error as _, time::Duration};

use signalr_serverless::{
    ConnectionId, ConnectionString, Error, Fault, GroupName, HubName, UserId,
    rest::{ApiVersion, Hub, Message, PageSize, RestClient},
};
use tokio::net::TcpListener;

use crate::server::{KEY, Reply, Server, status};

async fn broadcast(hub: &Hub) -> Error {
    hub.broadcast(&Message::new("m", &()).unwrap()).await.expect_err("a failure")
}

/// The error of a broadcast that gets this answer.
async fn error_of(status: u16, headers: &'static str, body: &'static str) -> Error {
    let server = Server::start(move |_| Reply::Http(status, headers, body.to_owned())).await;
    let error = broadcast(&server.hub()).await;
    assert!(error.to_string().contains(&server.host_and_port), "{error}");
    assert!(!format!("{error:?}").contains(KEY));
    error
}

fn group() -> GroupName {
    GroupName::parse("g").unwrap()
}

/// The six calls to which a 404 is an answer: its code and what it means there, `None` for done.
async fn answers(hub: &Hub) -> [(&'static str, Result<Option<bool>, Error>); 6] {
    let connection = hub.connection(ConnectionId::parse("c").unwrap());
    let user = hub.user(UserId::parse("u").unwrap());
    [
        ("Warning.Connection.NotExisted", connection.exists().await.map(Some)),
        ("Warning.Connection.NotExisted", connection.close(None).await.map(|()| None)),
        ("Error.Connection.NotExisted", connection.add_to_group(&group()).await.map(Some)),
        ("Warning.User.NotExisted", user.exists().await.map(Some)),
        ("Info.User.NotInGroup", user.is_in_group(&group()).await.map(Some)),
        ("Warning.Group.NotExisted", hub.group(group()).exists().await.map(Some)),
    ]
}

#[tokio::test]
async fn success_is_true_or_done() {
    let server = Server::start(|_| status(200)).await;
    for (code, answer) in answers(&server.hub()).await {
        assert_ne!(answer.unwrap(), Some(false), "{code}");
    }
}

#[tokio::test]
async fn a_404_with_the_calls_own_code_is_an_answer() {
    const HEADERS: [&str; 6] = [
        "x-ms-error-code: Warning.Connection.NotExisted\r\n",
        "x-ms-error-code: WARNING.connection.notExisted\r\n",
        "x-ms-error-code: Error.Connection.NotExisted\r\n",
        "X-MS-Error-Code: Warning.User.NotExisted\r\n",
        "x-ms-error-code: Info.User.NotInGroup\r\n",
        "x-ms-error-code: Warning.Group.NotExisted\r\n",
    ];
    for (asked, headers) in HEADERS.into_iter().enumerate() {
        let code = headers.trim().split(' ').nth(1).unwrap();
        let server = Server::start(move |_| Reply::Http(404, headers, String::new())).await;
        for (call, (own_code, answer)) in answers(&server.hub()).await.into_iter().enumerate() {
            if own_code.eq_ignore_ascii_case(code) {
                assert_ne!(answer.unwrap(), Some(true), "{code}");
            } else {
                let error = answer.expect_err("another call's code");
                assert_eq!(error.fault(), Fault::Configuration, "{asked} {call} {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_404_without_the_code_is_an_error() {
    let body = r#"{"code":"Warning.Connection.NotExisted","message":"gone"}"#;
    let server = Server::start(move |_| Reply::Http(404, "", body.to_owned())).await;
    for version in [ApiVersion::V1, ApiVersion::V2024_12_01] {
        let hub = server.client().with_version(version).hub(HubName::parse("h").unwrap());
        for (code, answer) in answers(&hub).await {
            let error = answer.expect_err(code);
            assert!(error.to_string().contains("check the endpoint"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_services_own_words_are_carried() {
    let body = r#"{"code":"InvalidArgument","message":"bad\nhub","target":"hub","details":[]}"#;
    let error = error_of(400, "", body).await;
    let Error::Refused(refusal) = &error else { panic!("{error}") };
    assert_eq!(refusal.status, 400);
    assert_eq!(refusal.code.as_deref(), Some("InvalidArgument"));
    assert_eq!(refusal.message.as_deref(), Some("bad hub"));
    assert_eq!(error.fault(), Fault::Caller);
    let said = "answered Broadcast with 400 Bad Request (InvalidArgument): bad hub";
    assert!(error.to_string().ends_with(said), "{error}");

    let problem = error_of(400, "", r#"{"title":"one","detail":"two","status":400}"#).await;
    assert!(problem.to_string().ends_with("400 Bad Request: two"), "{problem}");
}

#[tokio::test]
async fn each_status_has_someone_at_fault() {
    for (status, fault, hint) in [
        (401, Fault::Configuration, "access key"),
        (401, Fault::Configuration, "audience"),
        (403, Fault::Configuration, "access rules"),
        (404, Fault::Configuration, "endpoint"),
        (405, Fault::Configuration, "endpoint"),
        (413, Fault::Caller, "smaller"),
        (429, Fault::Service, "429"),
        (500, Fault::Service, "500"),
        (503, Fault::Service, "503"),
    ] {
        let error = error_of(status, "", "<html>not json</html>").await;
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let headers = "location: http://127.0.0.1:1/\r\n";
    let mut server = Server::start(move |_| Reply::Http(307, headers, String::new())).await;
    let error = broadcast(&server.hub()).await;
    assert!(error.to_string().contains("redirects are not followed"), "{error}");
    server.request();
    assert!(!server.has_request());
}

#[tokio::test]
async fn nothing_is_sent_for_what_a_version_lacks() {
    let server = Server::start(|_| status(200)).await;
    let hub = |version| server.client().with_version(version).hub(HubName::parse("h").unwrap());
    let connection = hub(ApiVersion::V1).connection(ConnectionId::parse("c").unwrap());
    let error = connection.remove_from_all_groups().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "RemoveConnectionFromAllGroups does not exist in API version v1; use 2022-06-01 or 2022-11-01 or 2023-07-01 or 2024-12-01 or 2026-07-01"
    );
    let group = hub(ApiVersion::V2022_06_01).group(group());
    let error = group.list(PageSize::default(), None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ListGroupConnections does not exist in API version 2022-06-01; use 2024-12-01 or 2026-07-01"
    );
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn bad_values_are_refused_before_anything_is_sent() {
    let server = Server::start(|_| status(200)).await;
    let user = server.hub().user(UserId::parse("u").unwrap());
    let half = Some(Duration::from_millis(500));
    let error = user.add_to_group(&group(), half).await.unwrap_err();
    assert_eq!(error.to_string(), "ttl is 500ms; use whole seconds, 0 or more");

    let excluded = vec![ConnectionId::parse(&"c".repeat(20)).unwrap(); 3000];
    let message = Message::new("m", &()).unwrap();
    let error = server.hub().broadcast_except(&message, &excluded).await.unwrap_err();
    assert!(error.to_string().starts_with("URL of the call has 9"), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_refused_connection_names_host_and_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host_and_port = listener.local_addr().unwrap().to_string();
    drop(listener);
    let text = format!("Endpoint=http://{host_and_port};AccessKey={KEY}");
    let client = RestClient::new(&ConnectionString::parse(&text).unwrap()).unwrap();
    let error = broadcast(&client.hub(HubName::parse("h").unwrap())).await;
    assert_eq!(
        error.to_string(),
        format!("cannot connect to {host_and_port}; check the endpoint and that the service is up")
    );
    assert_eq!(error.fault(), Fault::Network);
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_server_without_tls_behind_https_is_unreachable() {
    let server = Server::start(|_| status(200)).await;
    let text = format!("Endpoint=https://{};AccessKey={KEY}", server.host_and_port);
    let client = RestClient::new(&ConnectionString::parse(&text).unwrap())
        .unwrap()
        .with_time_limit(Duration::from_secs(20));
    let error = broadcast(&client.hub(HubName::parse("h").unwrap())).await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn silence_ends_at_the_time_limit() {
    let server = Server::start(|_| Reply::Silence).await;
    let client = server.client().with_time_limit(Duration::from_millis(50));
    let error = broadcast(&client.hub(HubName::parse("h").unwrap())).await;
    let said = "did not answer within 50ms; what was asked may or may not be done";
    assert_eq!(error.to_string(), format!("{} {said}", server.host_and_port));
    assert_eq!(error.fault(), Fault::Network);
}

#[tokio::test]
async fn a_broken_connection_is_no_reason_to_send_twice() {
    let mut server = Server::start(|_| Reply::HangUp).await;
    let error = broadcast(&server.hub()).await;
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    server.request();
    assert!(!server.has_request());
}

#[cfg(not(feature = "entra"))]
#[tokio::test]
async fn an_entra_identity_is_an_honest_error() {
    let text = "Endpoint=https://x.net;AuthType=azure";
    let error = RestClient::new(&ConnectionString::parse(text).unwrap()).unwrap_err();
    assert!(matches!(error, Error::EntraNotSupported));
    assert_eq!(error.fault(), Fault::Configuration);
}
