//! The requests that each call sends.

use std::{collections::HashSet, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, value::RawValue};
use signalr_serverless::{
    ApplicationName, ConnectionId, ConnectionString, Error, GroupName, HubName, UserId,
    rest::{ApiVersion, Message, PageSize, RestClient},
};

use crate::server::{KEY, Reply, Request, Server, status};

fn group() -> GroupName {
    GroupName::parse("sala/1").unwrap()
}

fn user() -> UserId {
    UserId::parse("ann b").unwrap()
}

fn connection(id: &str) -> ConnectionId {
    ConnectionId::parse(id).unwrap()
}

fn message() -> Message {
    Message::new("m", &(1,)).unwrap()
}

/// Makes every call that a version has, and returns `METHOD target` for each.
async fn every_call(version: ApiVersion) -> Vec<String> {
    let empty_page = || Reply::Http(200, "", r#"{"value":[]}"#.to_owned());
    let mut server = Server::start(move |request| {
        if request.target.contains("maxpagesize") { empty_page() } else { status(200) }
    })
    .await;
    let client = server.client().with_version(version);
    let hub = client.hub(HubName::parse("Chat").unwrap());
    let (g, u, c) = (hub.group(group()), hub.user(user()), hub.connection(connection("c=1")));

    let mut seen = Vec::new();
    macro_rules! calls {
        ($($call:expr),+ $(,)?) => {$(
            match $call.await {
                Ok(_) => {
                    let request = server.request();
                    seen.push(format!("{} {}", request.method, request.target));
                }
                Err(Error::UnsupportedOperation { .. }) => assert!(!server.has_request()),
                Err(error) => panic!("{}: {error}", stringify!($call)),
            }
        )+};
    }
    calls! {
        hub.broadcast(&message()),
        hub.broadcast_except(&message(), &[connection("a+b"), connection("c")]),
        g.send(&message()),
        g.send_except(&message(), &[connection("x")]),
        g.add_connection(&connection("x")),
        g.remove_connection(&connection("x")),
        g.exists(),
        g.list(PageSize::parse(5).unwrap(), None),
        u.send(&message()),
        u.add_to_group(&group(), None),
        u.add_to_group(&group(), Some(Duration::ZERO)),
        u.remove_from_group(&group()),
        u.remove_from_all_groups(),
        u.is_in_group(&group()),
        u.exists(),
        c.send(&message()),
        c.close(None),
        c.close(Some("a&b é")),
        c.exists(),
        c.add_to_group(&group()),
        c.remove_from_group(&group()),
        c.remove_from_all_groups(),
        client.health(),
    }
    seen
}

#[tokio::test]
async fn calls_of_2024_12_01() {
    let v = "api-version=2024-12-01";
    let h = "/api/hubs/chat";
    let expected = [
        format!("POST {h}/:send?{v}"),
        format!("POST {h}/:send?{v}&excluded=a%2Bb&excluded=c"),
        format!("POST {h}/groups/sala%2F1/:send?{v}"),
        format!("POST {h}/groups/sala%2F1/:send?{v}&excluded=x"),
        format!("PUT {h}/groups/sala%2F1/connections/x?{v}"),
        format!("DELETE {h}/groups/sala%2F1/connections/x?{v}"),
        format!("HEAD {h}/groups/sala%2F1?{v}"),
        format!("GET {h}/groups/sala%2F1/connections?{v}&maxpagesize=5"),
        format!("POST {h}/users/ann%20b/:send?{v}"),
        format!("PUT {h}/users/ann%20b/groups/sala%2F1?{v}"),
        format!("PUT {h}/users/ann%20b/groups/sala%2F1?{v}&ttl=0"),
        format!("DELETE {h}/users/ann%20b/groups/sala%2F1?{v}"),
        format!("DELETE {h}/users/ann%20b/groups?{v}"),
        format!("HEAD {h}/users/ann%20b/groups/sala%2F1?{v}"),
        format!("HEAD {h}/users/ann%20b?{v}"),
        format!("POST {h}/connections/c%3D1/:send?{v}"),
        format!("DELETE {h}/connections/c%3D1?{v}"),
        format!("DELETE {h}/connections/c%3D1?{v}&reason=a%26b%20%C3%A9"),
        format!("HEAD {h}/connections/c%3D1?{v}"),
        format!("PUT {h}/groups/sala%2F1/connections/c%3D1?{v}"),
        format!("DELETE {h}/groups/sala%2F1/connections/c%3D1?{v}"),
        format!("DELETE {h}/connections/c%3D1/groups?{v}"),
        format!("HEAD /api/health?{v}"),
    ];
    assert_eq!(every_call(ApiVersion::V2024_12_01).await, expected);
}

#[tokio::test]
async fn calls_of_2022_06_01_are_those_of_2024_12_01_without_the_list() {
    let expected: Vec<_> = every_call(ApiVersion::V2024_12_01)
        .await
        .into_iter()
        .filter(|call| !call.contains("maxpagesize"))
        .map(|call| call.replace("2024-12-01", "2022-06-01"))
        .collect();
    assert_eq!(every_call(ApiVersion::V2022_06_01).await, expected);
}

#[tokio::test]
async fn calls_of_v1() {
    let h = "/api/v1/hubs/chat";
    let expected = [
        format!("POST {h}"),
        format!("POST {h}?excluded=a%2Bb&excluded=c"),
        format!("POST {h}/groups/sala%2F1"),
        format!("POST {h}/groups/sala%2F1?excluded=x"),
        format!("PUT {h}/groups/sala%2F1/connections/x"),
        format!("DELETE {h}/groups/sala%2F1/connections/x"),
        format!("GET {h}/groups/sala%2F1"),
        format!("POST {h}/users/ann%20b"),
        format!("PUT {h}/groups/sala%2F1/users/ann%20b"),
        format!("PUT {h}/groups/sala%2F1/users/ann%20b?ttl=0"),
        format!("DELETE {h}/groups/sala%2F1/users/ann%20b"),
        format!("DELETE {h}/users/ann%20b/groups"),
        format!("GET {h}/groups/sala%2F1/users/ann%20b"),
        format!("GET {h}/users/ann%20b"),
        format!("POST {h}/connections/c%3D1"),
        format!("DELETE {h}/connections/c%3D1"),
        format!("DELETE {h}/connections/c%3D1?reason=a%26b%20%C3%A9"),
        format!("GET {h}/connections/c%3D1"),
        format!("PUT {h}/groups/sala%2F1/connections/c%3D1"),
        format!("DELETE {h}/groups/sala%2F1/connections/c%3D1"),
        "HEAD /api/v1/health".to_owned(),
    ];
    assert_eq!(every_call(ApiVersion::V1).await, expected);
}

#[tokio::test]
async fn a_send_carries_the_message_to_the_letter() {
    let mut server = Server::start(|_| status(202)).await;
    let arguments = r#"[12345678901234567890123, {"z":1,"a":"2024-01-01"}]"#;
    let raw = RawValue::from_string(arguments.to_owned()).unwrap();
    server.hub().broadcast(&Message::from_raw("newMessage", raw).unwrap()).await.unwrap();

    let request = server.request();
    assert_eq!(request.body, format!(r#"{{"target":"newMessage","arguments":{arguments}}}"#));
    assert_eq!(request.header("content-type"), Some("application/json; charset=utf-8"));
    let agent = request.header("asrs-user-agent").unwrap();
    assert!(agent.starts_with("signalr-serverless/"), "{agent}");
}

/// The claims of the request's token, after its signature was checked.
fn claims(request: &Request) -> Value {
    let token = request.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let mut checks = Validation::new(Algorithm::HS256);
    checks.validate_aud = false;
    checks.required_spec_claims = HashSet::from(["exp".to_owned(), "aud".to_owned()]);
    let key = DecodingKey::from_secret(KEY.as_bytes());
    jsonwebtoken::decode(token, &key, &checks).unwrap().claims
}

#[tokio::test]
async fn the_audience_is_the_url_without_query() {
    let mut server = Server::start(|_| status(202)).await;
    server.hub().group(group()).send_except(&message(), &[connection("x")]).await.unwrap();
    let claims = claims(&server.request());
    let url = format!("http://{}/api/hubs/chat/groups/sala%2F1/:send", server.host_and_port);
    assert_eq!(claims["aud"], url);
    let lifetime = claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap();
    assert_eq!(lifetime, 3600);
}

#[tokio::test]
async fn calls_go_to_the_server_endpoint_and_its_path() {
    let mut server = Server::start(|_| status(202)).await;
    let text = format!(
        "Endpoint=http://unused.invalid;AccessKey={KEY};ServerEndpoint=http://{}/base/",
        server.host_and_port
    );
    let client = RestClient::new(&ConnectionString::parse(&text).unwrap()).unwrap();
    client.hub(HubName::parse("chat").unwrap()).broadcast(&message()).await.unwrap();
    let request = server.request();
    assert_eq!(request.target, "/base/api/hubs/chat/:send?api-version=2024-12-01");
    let audience = format!("http://{}/base/api/hubs/chat/:send", server.host_and_port);
    assert_eq!(claims(&request)["aud"], audience);
}

#[tokio::test]
async fn an_application_goes_into_the_query_and_in_v1_into_the_hub() {
    let mut server = Server::start(|_| status(202)).await;
    let client = server.client().with_application(ApplicationName::parse("Shop").unwrap());
    let hub = HubName::parse("Chat").unwrap();
    client.hub(hub.clone()).broadcast(&message()).await.unwrap();
    let target = "/api/hubs/chat/:send?api-version=2024-12-01&application=shop";
    assert_eq!(server.request().target, target);

    let v1 = client.clone().with_version(ApiVersion::V1);
    v1.hub(hub).broadcast(&message()).await.unwrap();
    assert_eq!(server.request().target, "/api/v1/hubs/shop_chat");

    client.health().await.unwrap();
    assert_eq!(server.request().target, "/api/health?api-version=2024-12-01");
}

#[tokio::test]
async fn calls_share_a_connection() {
    let server = Server::start(|_| Reply::Http(202, "", "{}".to_owned())).await;
    let hub = server.hub();
    for _ in 0..3 {
        hub.broadcast(&message()).await.unwrap();
        hub.clone().user(user()).send(&message()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn health_needs_no_token_and_tells_up_from_down() {
    let mut up = Server::start(|_| status(200)).await;
    assert!(up.client().health().await.unwrap());
    assert_eq!(up.request().header("authorization"), None);

    let down = Server::start(|_| status(503)).await;
    assert!(!down.client().health().await.unwrap());

    let elsewhere = Server::start(|_| status(404)).await;
    assert!(elsewhere.client().health().await.is_err());
}
