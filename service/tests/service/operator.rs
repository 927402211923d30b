//! An operator at the dashboard of a service.

use std::num::NonZeroUsize;

use form_urlencoded::Serializer;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use signalr_service::{Config, DashboardPage, Listen, PageFile, Trust, WELL_KNOWN_ACCESS_KEY};

use crate::client::{Running, start_with};

/// An operator who has logged in.
pub(crate) struct Operator {
    http: reqwest::Client,
    pub(crate) origin: String,
    pub(crate) cookie: String,
    pub(crate) csrf_token: String,
}

pub(crate) fn http() -> reqwest::Client {
    signalr_http_client::client(&Trust::default()).unwrap()
}

pub(crate) async fn start() -> Running {
    start_with(with_dashboard(Config { shards: NonZeroUsize::new(3), ..Config::default() })).await
}

/// The same with a dashboard, whose page is one line.
pub(crate) fn with_dashboard(config: Config) -> Config {
    Config {
        admin_listen: Some(Listen::Loopback { port: 0 }),
        dashboard: Some(DashboardPage::new(|name| {
            let is_page = name == "index.html";
            is_page.then(|| PageFile::new("text/html", &b"<h1>the page</h1>"[..]))
        })),
        ..config
    }
}

pub(crate) fn origin(service: &Running) -> String {
    format!("http://{}/dashboard", service.admin_host.as_ref().unwrap())
}

pub(crate) async fn log_in(service: &Running, key: &str) -> Response {
    let url = format!("{}/api/login", origin(service));
    http().post(url).json(&json!({ "key": key })).send().await.unwrap()
}

impl Operator {
    pub(crate) async fn of(service: &Running) -> Self {
        let response = log_in(service, WELL_KNOWN_ACCESS_KEY).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let session: Value = response.json().await.unwrap();
        let csrf_token = session["csrfToken"].as_str().unwrap().to_owned();
        Self { http: http(), origin: origin(service), cookie, csrf_token }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/{path}", self.origin);
        self.http.request(method, url).header(header::COOKIE, &self.cookie)
    }

    pub(crate) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Response {
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        self.request(Method::GET, &format!("{path}?{query}")).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let response = self.ask(path, query).await;
        assert_eq!(response.status(), StatusCode::OK, "{path} {query:?}");
        response.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).header("x-csrf-token", &self.csrf_token);
        request.json(body).send().await.unwrap()
    }
}

pub(crate) async fn refusal(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap().to_owned())
}
