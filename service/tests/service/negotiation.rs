use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::start;

#[tokio::test]
async fn version_1_has_a_public_id_and_a_secret_token() {
    let service = start().await;
    let answer = service.negotiate("chat", Some("ann")).await;
    assert_eq!(answer["negotiateVersion"], 1);
    let (id, token) = (answer["connectionId"].as_str(), answer["connectionToken"].as_str());
    assert!(id.is_some() && token.is_some() && id != token, "{answer}");
    assert_eq!(
        answer["availableTransports"],
        json!([
            { "transport": "WebSockets", "transferFormats": ["Text", "Binary"] },
            { "transport": "ServerSentEvents", "transferFormats": ["Text"] },
            { "transport": "LongPolling", "transferFormats": ["Text", "Binary"] },
        ])
    );
}

#[tokio::test]
async fn older_and_newer_clients_get_what_they_know() {
    let service = start().await;
    let token = service.client_token("chat", None);
    for (query, version, has_token) in
        [("", 0, false), ("&negotiateVersion=0", 0, false), ("&NegotiateVersion=7", 1, true)]
    {
        let path = format!("/client/negotiate?hub=chat{query}");
        let response = service.http(Method::POST, &path).bearer_auth(&token).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["negotiateVersion"], version);
        assert_eq!(answer.get("connectionToken").is_some(), has_token, "{answer}");
    }
    let path = "/client/negotiate?hub=chat&negotiateVersion=x";
    let response = service.http(Method::POST, path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer, json!({ "error": "negotiateVersion 'x' is not a whole number; use 1" }));
}

#[tokio::test]
async fn a_bad_hub_is_named() {
    let service = start().await;
    let token = service.client_token("chat", None);
    for (query, text) in [
        ("", "'hub' is missing"),
        ("?hub=", "hub name '' is empty"),
        ("?hub=a-b", "hub name 'a-b' has a character"),
        ("?hub=chat&hub=chat", "more than once"),
    ] {
        let path = format!("/client/negotiate{query}");
        let response = service.http(Method::POST, &path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let answer = response.text().await.unwrap();
        assert!(answer.contains(text), "'{answer}' does not say '{text}'");
    }
}

#[tokio::test]
async fn only_post_negotiates() {
    let service = start().await;
    let response = service.http(Method::GET, "/client/negotiate?hub=chat").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn a_browser_may_ask_from_any_page() {
    let service = start().await;
    let preflight = service
        .http(Method::OPTIONS, "/client/negotiate?hub=chat")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,x-signalr-user-agent")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    let headers = preflight.headers();
    assert_eq!(headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    assert_eq!(headers["access-control-allow-headers"], "authorization,x-signalr-user-agent");
    assert_eq!(headers["access-control-max-age"], "7200");

    let refused = service
        .http(Method::POST, "/client/negotiate?hub=chat")
        .header("origin", "https://app.example")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://app.example");
}
