//! A service behind a gateway: other hosts, paths with a prefix, paths in another case, and tokens
//! that are signed for the endpoint's own name.

use std::time::{Duration, SystemTime};

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use signalr_serverless::{ConnectionString, HubName, NegotiateOptions, Negotiator, Token};
use signalr_service::{Config, WELL_KNOWN_ACCESS_KEY};

use crate::client::{Client, Running, key, start, start_with};

/// A service that is known as `x.test`, and as `gw.test/realtime` too.
async fn known() -> Running {
    let names = ["x.test", "https://gw.test/realtime"].map(|name| name.parse().unwrap());
    start_with(Config { names: names.into(), ..Config::default() }).await
}

/// What the SDK signs behind a client endpoint.
async fn endpoint_token() -> String {
    let service = format!(
        "Endpoint=https://x.test;ClientEndpoint=https://gw.test/realtime;AccessKey={WELL_KNOWN_ACCESS_KEY}"
    );
    let negotiator = Negotiator::new(&ConnectionString::parse(&service).unwrap()).unwrap();
    let hub = HubName::parse("chat").unwrap();
    let options = NegotiateOptions::default();
    let answer = negotiator.negotiate(&hub, &options, SystemTime::now()).await.unwrap();
    assert_eq!(answer.url, "https://gw.test/realtime/client/?hub=chat");
    answer.access_token.as_str().to_owned()
}

async fn connection_token(service: &Running, prefix: &str, token: &str) -> String {
    let path = format!("{prefix}/client/negotiate?hub=chat&negotiateVersion=1");
    let answer = service.http(Method::POST, &path).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let answer: Value = answer.json().await.unwrap();
    answer["connectionToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn clients_connect_on_all_transports_whether_the_gateway_keeps_its_prefix_or_strips_it() {
    let service = known().await;
    let token = endpoint_token().await;
    for prefix in ["", "/realtime", "/RealTime"] {
        let id = connection_token(&service, prefix, &token).await;
        let host = &service.host;
        let url = format!("ws://{host}{prefix}/client/?hub=chat&id={id}&access_token={token}");
        Client::open(&url).await.shake_hands().await;
        for accept in ["text/event-stream", "*/*"] {
            let id = connection_token(&service, prefix, &token).await;
            let path = format!("{prefix}/client/?hub=chat&id={id}");
            let request = service.http(Method::GET, &path).bearer_auth(&token);
            let answer = request.header(header::ACCEPT, accept).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{prefix} {accept}");
            let send = service.http(Method::POST, &path).bearer_auth(&token);
            let sent = send.body("{\"protocol\":\"json\",\"version\":1}\u{1e}").send().await;
            assert_eq!(sent.unwrap().status(), StatusCode::OK, "{prefix} {accept}");
        }
    }
}

#[tokio::test]
async fn calls_are_taken_under_every_name_and_no_other() {
    let service = known().await;
    let path = "/api/hubs/chat/:send?api-version=2022-06-01";
    let send = async |prefix: &str, audience: &str| {
        let token = Token::rest(&key(), audience, Duration::from_secs(60), SystemTime::now());
        let request = service.http(Method::POST, &format!("{prefix}{path}"));
        let request = request.bearer_auth(token.unwrap().as_str());
        let answer = request.json(&json!({ "target": "m" })).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (prefix, audience) in [
        // Azure's SDK up to 1.25 behind a server endpoint.
        ("/realtime", "https://x.test/api/hubs/chat/:send?api-version=2022-06-01"),
        ("", "https://x.test/api/hubs/chat/:send"),
        // Those that sign the URL that they call.
        ("/realtime", "https://gw.test/realtime/api/hubs/chat/:send"),
        ("", "https://gw.test/realtime/api/hubs/chat/:send"),
    ] {
        let (status, text) = send(prefix, audience).await;
        assert_eq!(status, 202, "{audience}: {text}");
    }
    let (status, text) = send("", "https://other.test/api/hubs/chat/:send").await;
    assert_eq!(status, 401);
    for part in ["expected http(s)://127.0.0.1", "came https://other.test", "--host other.test"] {
        assert!(text.contains(part), "'{text}' does not say '{part}'");
    }
    assert_eq!(send("/other", "https://x.test/api/hubs/chat/:send").await.0, 404);
}

#[tokio::test]
async fn the_next_page_is_behind_the_same_prefix() {
    let service = known().await;
    let clients = [service.connect(None).await, service.connect(None).await];
    for client in &clients {
        let path = format!("/api/v1/hubs/chat/groups/g/connections/{}", client.id);
        assert!(service.status(Method::PUT, &path).await.is_success());
    }
    let path = "/realtime/api/hubs/chat/groups/g/connections?maxpagesize=1&api-version=2024-12-01";
    let answer = service.call(Method::GET, path).send().await.unwrap();
    let page: Value = answer.json().await.unwrap();
    let expected = format!("http://{}/realtime/api/hubs/chat/groups/g/connections?", service.host);
    assert!(page["nextLink"].as_str().unwrap().starts_with(&expected), "{page}");
}

#[tokio::test]
async fn paths_come_in_any_case_and_with_a_slash_at_the_end() {
    let service = start().await;
    let mut client = service.connect(Some("Ann")).await;
    let add = format!("/API/V1/Hubs/CHAT/Groups/Group/Connections/{}/", client.id);
    assert_eq!(service.status(Method::PUT, &add).await, StatusCode::OK);
    for (path, argument) in [
        ("/API/Hubs/Chat/:SEND?Api-Version=2022-06-01", "hub"),
        ("/api/hubs/chat/Groups/Group/:Send/?api-version=2022-06-01", "group"),
        ("/Api/V1/hubs/Chat/USERS/Ann/", "user"),
    ] {
        service.send(path, json!([argument])).await;
        assert_eq!(client.arguments().await, json!([argument]), "{path}");
    }
    // Names are what they are.
    let absent = "/API/hubs/chat/GROUPS/group?api-version=2022-06-01";
    assert_eq!(service.status(Method::GET, absent).await, StatusCode::NOT_FOUND);
    let token = service.client_token("chat", None);
    for path in ["/client/Negotiate", "/Client/negotiate/"] {
        let path = format!("{path}?hub=chat&negotiateVersion=1");
        let answer = service.http(Method::POST, &path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_token_says_which_transports_its_client_may_use() {
    let service = start().await;
    let audience = format!("http://{}/client/?hub=chat", service.host);
    let claims = json!({ "exp": 99_999_999_999_u64, "aud": audience, "asrs.s.htt": "6" });
    let key = jsonwebtoken::EncodingKey::from_secret(WELL_KNOWN_ACCESS_KEY.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let path = "/client/negotiate?hub=chat&negotiateVersion=1";
    let answer = service.http(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let transports = answer["availableTransports"].as_array().unwrap();
    let names: Vec<_> = transports.iter().map(|it| it["transport"].as_str().unwrap()).collect();
    assert_eq!(names, ["ServerSentEvents", "LongPolling"]);
    let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
    let (status, text) = crate::client::refusal(&url).await;
    assert_eq!(status, 404, "{text}");
}

#[tokio::test]
async fn a_lenient_service_has_the_paths_of_asrs_emulator() {
    let service = start_with(Config { lenient: true, ..Config::default() }).await;
    let mut client = service.connect(Some("ann")).await;
    for path in [
        "/api/hubs/chat",
        "/api/hubs/chat/:send",
        "/api/v1/hubs/chat/:send",
        "/api/hubs/chat/:send?api-version=1999-01-01",
        "/api/v1/hubs/chat/users/ann/:send",
        "/api/hubs/chat/users/ann",
    ] {
        service.send(path, json!([path])).await;
        assert_eq!(client.arguments().await, json!([path]));
    }
    for path in ["/api/hubs/chat/groups/g/users/ann", "/api/v1/hubs/chat/users/ann/groups/g"] {
        assert!(service.status(Method::PUT, path).await.is_success(), "{path}");
        assert_eq!(service.status(Method::GET, path).await, StatusCode::OK, "{path}");
    }
    let strict = start().await;
    let body = json!({ "target": "m" });
    let call = |path| strict.call(Method::POST, path).json(&body).send();
    assert_eq!(call("/api/hubs/chat/:send").await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(call("/api/v1/hubs/chat/:send").await.unwrap().status(), StatusCode::NOT_FOUND);
}
