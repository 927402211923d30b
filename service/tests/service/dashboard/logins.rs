//! Who may see the dashboard, and who may change something.

use reqwest::{Method, StatusCode, header};
use serde_json::json;
use signalr_service::{Config, Listen, WELL_KNOWN_ACCESS_KEY};

use crate::{
    client::start_with,
    operator::{Operator, http, log_in, origin, refusal, start},
};

const PATHS: [&str; 12] = [
    "session",
    "overview",
    "history",
    "hubs",
    "users?hub=chat",
    "groups?hub=chat",
    "connections?hub=chat",
    "connection?hub=chat&connection=c",
    "connection-string",
    "trace",
    "close",
    "send",
];

#[tokio::test]
async fn nothing_is_told_without_a_login() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    let name = operator.cookie.split('=').next().unwrap();
    let forged = format!("{name}=eyJhbGciOiJub25lIn0.eyJhdWQiOiJkYXNoYm9hcmQifQ.");
    for path in PATHS {
        let method = if ["close", "send"].contains(&path) { Method::POST } else { Method::GET };
        for cookie in ["", "signalr-dashboard-1=x", &forged, &operator.cookie[..60]] {
            let url = format!("{}/api/{path}", origin(&service));
            let request = http().request(method.clone(), url).header("cookie", cookie);
            let (status, text) = refusal(request.send().await.unwrap()).await;
            assert_eq!(status, 401, "{path} with {cookie}");
            assert!(text.contains("log in first") && !text.contains(WELL_KNOWN_ACCESS_KEY));
        }
    }
}

#[tokio::test]
async fn a_key_or_a_connection_string_logs_in_and_nothing_else_does() {
    let service = start().await;
    for good in [
        WELL_KNOWN_ACCESS_KEY.to_owned(),
        format!(" {WELL_KNOWN_ACCESS_KEY}\n"),
        format!("Endpoint=http://localhost;Port=1;AccessKey={WELL_KNOWN_ACCESS_KEY};Version=1.0;"),
    ] {
        assert_eq!(log_in(&service, &good).await.status(), StatusCode::OK, "{good}");
    }
    for bad in ["", "nope", "Endpoint=http://localhost;AccessKey=nope;Version=1.0;", "\u{202e}\0"] {
        let (status, text) = refusal(log_in(&service, bad).await).await;
        assert_eq!((status, &*text), (401, "this is not an access key of the service"), "{bad}");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_page_and_not_for_scripts() {
    let service = start().await;
    let response = log_in(&service, WELL_KNOWN_ACCESS_KEY).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["; Path=/dashboard", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"));
    let url = format!("{}/api/login", origin(&service));
    let behind_tls = http().post(url).header("x-forwarded-proto", "https");
    let response = behind_tls.json(&json!({ "key": WELL_KNOWN_ACCESS_KEY })).send().await.unwrap();
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    let operator = Operator::of(&service).await;
    let response = operator.post("logout", &json!({})).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("=; ") && cookie.contains("Max-Age=0"), "{cookie}");
}

#[tokio::test]
async fn what_changes_something_needs_the_token_of_the_login() {
    let service = start().await;
    let (operator, other) = (Operator::of(&service).await, Operator::of(&service).await);
    let body = json!({ "hub": "chat", "to": "hub", "target": "m", "arguments": [] });
    for path in ["send", "close", "logout"] {
        for token in [None, Some(""), Some("x"), Some(&*other.csrf_token)] {
            let request = operator.request(Method::POST, path).json(&body);
            let request = match token {
                Some(token) => request.header("x-csrf-token", token),
                None => request,
            };
            let (status, text) = refusal(request.send().await.unwrap()).await;
            assert_eq!(status, 403, "{path} with {token:?}: {text}");
        }
    }
    assert_eq!(operator.post("send", &body).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn forms_and_oversized_bodies_are_refused() {
    let service = start().await;
    let url = format!("{}/api/login", origin(&service));
    let key = format!("{{\"key\":\"{WELL_KNOWN_ACCESS_KEY}\"}}");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let request = http().post(&url).header("content-type", media_type);
        let (status, _) = refusal(request.body(key.clone()).send().await.unwrap()).await;
        assert_eq!(status, 415, "{media_type}");
    }
    for (body, expected) in [
        ("", 400),
        ("{}", 400),
        ("[]", 400),
        ("{\"key\":1}", 400),
        ("{\"key\":\"\\ud800\"}", 400),
        ("{\"key\":\"a\",\"b\":1}", 400),
        (&*format!("{{\"key\":\"{}\"}}", "x".repeat(16 * 1024)), 413),
    ] {
        let request = http().post(&url).header("content-type", "application/json");
        let (status, text) = refusal(request.body(body.to_owned()).send().await.unwrap()).await;
        assert_eq!(status, expected, "{text}");
    }
}

#[tokio::test]
async fn a_name_of_another_page_does_not_reach_the_dashboard() {
    let service = start().await;
    let operator = Operator::of(&service).await;
    for path in ["", "/", "/api/overview", "/api/login"] {
        let request = http().get(format!("{}{path}", operator.origin));
        let request = request.header("host", "evil.example").header("cookie", &operator.cookie);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    }
}

#[tokio::test]
async fn the_page_is_there_without_a_login_and_closed_to_other_pages() {
    let service = start().await;
    let response = http().get(format!("{}/", origin(&service))).send().await.unwrap();
    let headers = response.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(response.text().await.unwrap(), "<h1>the page</h1>");
    for path in ["/missing.js", "/..%2Findex.html", "/api/nothing"] {
        let response = http().get(format!("{}{path}", origin(&service))).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_service_without_a_dashboard_has_none() {
    let admin_listen = Some(Listen::Loopback { port: 0 });
    let service = start_with(Config { admin_listen, ..Config::default() }).await;
    for path in ["", "/", "/api/login", "/api/overview"] {
        let response = http().get(format!("{}{path}", origin(&service))).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
