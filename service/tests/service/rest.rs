use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use signalr_serverless::rest::{ApiVersion, Operation};

use crate::client::{Running, start};

async fn error_of(response: Response, status: StatusCode) -> (String, String) {
    assert_eq!(response.status(), status);
    let code = response.headers()["x-ms-error-code"].to_str().unwrap().to_owned();
    let detail: Value = response.json().await.unwrap();
    assert_eq!(detail["code"], code.as_str());
    (code, detail["message"].as_str().unwrap().to_owned())
}

/// Calls an operation by one of its routes, for a connection that is open.
async fn call(service: &Running, operation: Operation, route: usize, connection: &str) -> Response {
    let route = &operation.routes()[route];
    let path = route
        .path
        .replace("{hub}", "chat")
        .replace("{group}", "g")
        .replace("{user}", "ann")
        .replace("{connectionId}", connection);
    let path = match route.version {
        ApiVersion::V1 => path,
        version => format!("{path}?API-Version={version}"),
    };
    let mut request = service.call(route.method.clone(), &path);
    if route.method == Method::POST {
        request = request.json(&json!({ "target": "m", "arguments": [route.path] }));
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn every_route_answers_with_the_status_of_its_version() {
    for operation in Operation::ALL.iter().copied() {
        for (index, route) in operation.routes().iter().enumerate() {
            let service = start().await;
            let mut ann = service.connect(Some("ann")).await;
            for path in [
                format!("/api/v1/hubs/chat/groups/g/connections/{}", ann.id),
                "/api/v1/hubs/chat/groups/g/users/ann".to_owned(),
            ] {
                assert!(service.status(Method::PUT, &path).await.is_success());
            }
            let response = call(&service, operation, index, &ann.id).await;
            assert_eq!(response.status().as_u16(), route.status, "{operation:?} {route:?}");
            if route.method == Method::POST {
                assert_eq!(ann.arguments().await, json!([route.path]));
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_has_the_code_that_sdks_look_for() {
    let service = start().await;
    let _other = service.connect(Some("bob")).await;
    for (operation, expected) in [
        (Operation::ConnectionExists, "Warning.Connection.NotExisted"),
        (Operation::CloseConnection, "Warning.Connection.NotExisted"),
        (Operation::UserExists, "Warning.User.NotExisted"),
        (Operation::GroupExists, "Warning.Group.NotExisted"),
        (Operation::UserInGroup, "Info.User.NotInGroup"),
        (Operation::AddConnectionToGroup, "Error.Connection.NotExisted"),
    ] {
        for index in 0..operation.routes().len() {
            let response = call(&service, operation, index, "nobody").await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{operation:?}");
            assert_eq!(response.headers()["x-ms-error-code"], expected, "{operation:?}");
        }
    }
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
