use std::time::{Duration, SystemTime};

use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use signalr_serverless::{AccessKey, NegotiateOptions, Token};
use signalr_service::Config;

use crate::client::{Running, key, refusal, start, start_with};

fn client_token(secret: &AccessKey, audience: &str, signed: SystemTime) -> String {
    let options = NegotiateOptions::default();
    Token::client(secret, audience, &options, signed).unwrap().as_str().to_owned()
}

async fn negotiate(service: &Running, token: &str) -> Response {
    let path = "/client/negotiate?hub=chat&negotiateVersion=1";
    service.http(Method::POST, path).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_refused_token_gets_a_text_that_says_why() {
    let service = start().await;
    let good = format!("http://{}/client/?hub=chat", service.host);
    let other_key = AccessKey::parse("another key").unwrap();
    let now = SystemTime::now();
    let two_hours = Duration::from_secs(7200);
    for (token, text) in [
        (client_token(&other_key, &good, now), "signed with another key"),
        (client_token(&key(), &good, now - two_hours), "expired"),
        (client_token(&key(), &good, now + two_hours), "not valid yet"),
        (client_token(&key(), "http://elsewhere/client/?hub=chat", now), "audience"),
        (client_token(&key(), &good.replace("chat", "other"), now), "audience"),
        ("x.y.z".to_owned(), "not a JSON Web Token"),
    ] {
        let response = negotiate(&service, &token).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{text}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
        let body = response.text().await.unwrap();
        assert!(body.contains(text), "'{body}' does not say '{text}'");
        let url = format!("ws://{}/client/?hub=chat&access_token={token}", service.host);
        let (status, body) = refusal(&url).await;
        assert_eq!(status, 401);
        assert!(body.contains(text), "'{body}' does not say '{text}'");
    }
}

#[tokio::test]
async fn a_token_may_leave_out_the_port() {
    let service = start().await;
    let token = client_token(&key(), "http://127.0.0.1/client/?hub=chat", SystemTime::now());
    assert_eq!(negotiate(&service, &token).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_in_the_query_is_for_requests_that_cannot_have_headers() {
    let service = start().await;
    let token = service.client_token("chat", None);
    let path = format!("/client/negotiate?hub=chat&access_token={token}");
    let response = service.http(Method::POST, &path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_client_cannot_call_rest_nor_a_caller_connect() {
    let service = start().await;
    let client = service.client_token("chat", None);
    let path = "/api/v1/hubs/chat/users/ann";
    let call = service.http(Method::GET, path).bearer_auth(client).send().await.unwrap();
    assert_eq!(call.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(call.headers()["x-ms-error-code"], "Error.Unauthorized");
    let audience = format!("http://{}{path}", service.host);
    let rest = Token::rest(&key(), &audience, Duration::from_secs(60), SystemTime::now()).unwrap();
    let response = negotiate(&service, rest.as_str()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn either_of_two_keys_signs() {
    let second = AccessKey::parse("the second key").unwrap();
    let access_keys = vec![key(), second.clone()];
    let service = start_with(Config { access_keys, ..Config::default() }).await;
    let audience = format!("http://{}/client/?hub=chat", service.host);
    for secret in [key(), second] {
        let token = client_token(&secret, &audience, SystemTime::now());
        assert_eq!(negotiate(&service, &token).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_lenient_service_takes_any_host_and_time_but_no_wrong_key_or_kind() {
    let service = start_with(Config { lenient: true, ..Config::default() }).await;
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    let audience = "https://elsewhere/client/?hub=chat";
    let token = client_token(&key(), audience, long_ago);
    assert_eq!(negotiate(&service, &token).await.status(), StatusCode::OK);
    let forged = client_token(&AccessKey::parse("x").unwrap(), audience, long_ago);
    assert_eq!(negotiate(&service, &forged).await.status(), StatusCode::UNAUTHORIZED);
    let call = service.http(Method::POST, "/api/v1/hubs/chat").json(&json!({ "target": "m" }));
    let refused = call.bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let rest = client_token(&key(), "https://elsewhere/api/v1/hubs/chat", long_ago);
    assert_eq!(negotiate(&service, &rest).await.status(), StatusCode::UNAUTHORIZED);
}
