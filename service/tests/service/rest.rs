use reqwest::{Method, Response, StatusCode};
use rmpv::{Value as Packed, encode::write_value};
use serde_json::{Value, json};
use signalr_service::{Config, Listen};

use crate::client::{start, start_with};

async fn error_of(response: Response, status: StatusCode) -> (String, String) {
    assert_eq!(response.status(), status);
    let code = response.headers()["x-ms-error-code"].to_str().unwrap().to_owned();
    let detail: Value = response.json().await.unwrap();
    assert_eq!(detail["code"], code.as_str());
    (code, detail["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn health_needs_no_token() {
    let service = start().await;
    for path in ["/api/v1/health", "/api/health?api-version=2022-06-01", "/api/health"] {
        for method in [Method::GET, Method::HEAD] {
            let response = service.http(method, path).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn an_api_version_is_required_and_known() {
    let service = start().await;
    for (query, text) in [
        ("", "no api-version"),
        ("?api-version=2020-01-01", "'2020-01-01' is not known"),
        ("?api-version=v1", "'v1' is not known"),
        ("?api-version=", "'' is not known"),
    ] {
        let call = service.call(Method::HEAD, &format!("/api/hubs/chat/users/ann{query}"));
        assert_eq!(call.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
        let call = service.call(Method::GET, &format!("/api/hubs/chat/users/ann{query}"));
        let (_, message) = error_of(call.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert!(message.contains(text) && message.contains("2024-12-01"), "{message}");
    }
    let path = "/api/hubs/chat/groups/g/connections?api-version=2022-06-01";
    let response = service.call(Method::GET, path).send().await.unwrap();
    let (_, message) = error_of(response, StatusCode::BAD_REQUEST).await;
    assert!(message.contains("does not have this operation"), "{message}");
}

#[tokio::test]
async fn a_token_is_required_and_right() {
    let service = start().await;
    let path = "/api/v1/hubs/chat";
    let response = service.http(Method::POST, path).send().await.unwrap();
    let (_, message) = error_of(response, StatusCode::UNAUTHORIZED).await;
    assert!(message.contains("no access token"), "{message}");
    let request = service.call(Method::POST, path).build().unwrap();
    let token = request.headers()["authorization"].clone();
    let other = "/api/v1/hubs/other";
    let response = service.http(Method::POST, other).header("authorization", token).send().await;
    let response = response.unwrap();
    assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("audience"));
    let (_, message) = error_of(response, StatusCode::UNAUTHORIZED).await;
    assert!(message.contains("/api/v1/hubs/other, but came http"), "{message}");
}

#[tokio::test]
async fn bad_values_are_named() {
    let service = start().await;
    let too_long = "g".repeat(1025);
    for (method, path, text) in [
        (Method::GET, "/api/v1/hubs/a-b/users/ann".to_owned(), "hub name 'a-b'"),
        (Method::GET, "/api/v1/hubs/chat/groups/%20".to_owned(), "only white space"),
        (Method::GET, format!("/api/v1/hubs/chat/groups/{too_long}"), "longer than 1024"),
        (Method::GET, "/api/v1/hubs/chat/groups/%ff".to_owned(), "UTF-8"),
        (Method::GET, "/api/v1/hubs/chat/groups/g?application=a-b".to_owned(), "application name"),
        (Method::PUT, "/api/v1/hubs/chat/users/u/groups/g?ttl=-1".to_owned(), "ttl '-1'"),
        (Method::PUT, "/api/v1/hubs/chat/users/u/groups/g?ttl=1.5".to_owned(), "ttl '1.5'"),
        (Method::PUT, "/api/v1/hubs/chat/users/u/groups/g?ttl=".to_owned(), "ttl ''"),
    ] {
        let response = service.call(method, &path).send().await.unwrap();
        let (_, message) = error_of(response, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(text), "'{message}' does not say '{text}'");
    }
}

#[tokio::test]
async fn bad_bodies_are_refused_and_nobody_gets_them() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let large = format!("{{\"target\":\"m\",\"arguments\":[\"{}\"]}}", "x".repeat(1024 * 1024));
    for (content_type, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", "{\"target\":\"\"}", 400),
        ("application/json", "{\"target\":\"m\",\"arguments\":1}", 400),
        ("application/json", "\u{feff}{\"target\":\"m\"}", 400),
        ("application/json", large.as_str(), 413),
        ("text/plain", "{\"target\":\"m\"}", 415),
        ("", "{\"target\":\"m\"}", 415),
    ] {
        let call = service.call(Method::POST, "/api/v1/hubs/chat");
        let call = call.header("content-type", content_type).body(body.to_owned());
        let response = call.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{content_type} {:.40}", body);
        assert!(response.headers().contains_key("x-ms-error-code"));
    }
    service.broadcast(json!(["the only one"])).await;
    assert_eq!(client.arguments().await, json!(["the only one"]));
}

#[tokio::test]
async fn a_body_may_be_message_pack_or_already_encoded() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let pack = |value: Packed| {
        let mut bytes = Vec::new();
        write_value(&mut bytes, &value).unwrap();
        bytes
    };
    let arguments = Packed::Array(vec![u64::MAX.into(), "2020-01-01".into(), Packed::Nil]);
    let packed =
        pack(Packed::Map(vec![("target".into(), "m".into()), ("arguments".into(), arguments)]));
    let frame = "{\"type\":1,\"target\":\"m\",\"arguments\":[ \"untouched\" ]}\u{1e}";
    let encoded = pack(Packed::Map(vec![
        ("json".into(), Packed::Binary(frame.as_bytes().to_vec())),
        ("messagepack".into(), Packed::Binary(vec![1, 0xc0])),
    ]));
    let for_others = pack(Packed::Map(vec![("messagepack".into(), Packed::Binary(vec![1, 0xc0]))]));
    for (content_type, body) in [
        ("application/x-msgpack", packed),
        ("application/octet-stream", for_others),
        ("application/octet-stream", encoded),
    ] {
        let call = service.call(Method::POST, "/api/v1/hubs/chat");
        let call = call.header("content-type", content_type).body(body);
        assert_eq!(call.send().await.unwrap().status(), StatusCode::ACCEPTED);
    }
    assert_eq!(client.arguments().await, json!([u64::MAX, "2020-01-01", null]));
    assert_eq!(client.text().await, frame);
    for content_type in ["application/x-msgpack", "application/octet-stream"] {
        let call = service.call(Method::POST, "/api/v1/hubs/chat");
        let call = call.header("content-type", content_type).body("{}");
        assert_eq!(call.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn nothing_is_executed_where_one_command_is_bad() {
    let service = start().await;
    let mut client = service.connect(None).await;
    let good = json!({ "type": "SendMessage", "message": { "target": "m", "arguments": [] } });
    let path = "/api/hubs/chat/:execute?api-version=2024-12-01";
    for (query, body, text) in [
        ("", json!([good, { "type": "x" }]), "command 1: type 'x'"),
        ("", json!([good, { "type": "JoinGroup", "group": " " }]), "command 1: group name"),
        ("", json!(good), "not a JSON array"),
        ("&filter=userId", json!([good]), "the filter is wrong at character 1"),
    ] {
        let call = service.call(Method::POST, &format!("{path}{query}")).json(&body);
        let (_, message) = error_of(call.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert!(message.contains(text), "'{message}' does not say '{text}'");
    }
    service.broadcast(json!(["the only one"])).await;
    assert_eq!(client.arguments().await, json!(["the only one"]));
}

#[tokio::test]
async fn large_headers_are_refused_before_anything_else() {
    let service = start().await;
    for (size, status) in [(15_000, 401), (17_000, 431), (100_000, 431)] {
        let request = service.http(Method::GET, "/api/v1/hubs/chat/users/u");
        let request = request.header("x-large", "x".repeat(size));
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{size}");
    }
}

#[tokio::test]
async fn the_preview_has_a_port_of_its_own_where_asked_for() {
    let free = Listen::Address(([127, 0, 0, 1], 0).into());
    let service = start_with(Config { preview_listen: Some(free), ..Config::default() }).await;
    let mut client = service.connect(None).await;
    let mut preview = start().await;
    preview.host = service.preview_host.clone().unwrap();
    preview.send("/api/v1-preview/hub/chat", json!(["preview"])).await;
    assert_eq!(client.arguments().await, json!(["preview"]));
}

#[tokio::test]
async fn the_service_describes_itself() {
    let service = start().await;
    let response = service.http(Method::GET, "/api/openapi.json").send().await.unwrap();
    let description: Value = response.json().await.unwrap();
    let send = &description["paths"]["/api/hubs/{hub}/groups/{group}/:send"]["post"];
    assert!(send["responses"]["202"].is_object(), "{send}");
    let versions = &send["parameters"][2]["schema"]["enum"];
    assert_eq!(
        *versions,
        json!(["2022-06-01", "2022-11-01", "2023-07-01", "2024-12-01", "2026-07-01"])
    );
}

#[tokio::test]
async fn an_application_keeps_its_hubs_apart() {
    let service = start().await;
    let mut of_app = service.connect_to("shop_chat", None).await;
    let mut plain = service.connect(None).await;
    service.send("/api/v1/hubs/chat?application=Shop", json!(["app"])).await;
    service.broadcast(json!(["plain"])).await;
    assert_eq!(of_app.arguments().await, json!(["app"]));
    assert_eq!(plain.arguments().await, json!(["plain"]));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_errors_like_others() {
    let service = start().await;
    let response = service.http(Method::GET, "/api/v9/hubs").send().await.unwrap();
    error_of(response, StatusCode::NOT_FOUND).await;
    for method in [Method::PATCH, Method::TRACE] {
        let response = service.http(method, "/api/v1/hubs/chat").send().await.unwrap();
        error_of(response, StatusCode::METHOD_NOT_ALLOWED).await;
    }
}

#[tokio::test]
async fn a_compressed_body_is_named() {
    let service = start().await;
    let call = service.call(Method::POST, "/api/v1/hubs/chat").header("content-encoding", "gzip");
    let call = call.header("content-type", "application/json").body(&b"\x1f\x8b\x08"[..]);
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(answer.text().await.unwrap().contains("content-encoding 'gzip' is not taken"));
}
