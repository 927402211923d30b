//! The servers of the tests: the function app on a free port, and a stand-in for the service. It
//! notes every call and answers as the test says.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use signalr_function_runtime::Config;
use tokio::net::TcpListener;

/// Serves the function app with these variables, the hub `chat` and this service.
pub(crate) async fn app(service: SocketAddr, set: &[(&str, &str)]) -> App {
    const KEY: &str = signalr_service::WELL_KNOWN_ACCESS_KEY;
    let service = format!("Endpoint=http://{service};AccessKey={KEY};Version=1.0;");
    let least = [("AzureSignalRConnectionString", service.as_str()), ("SIGNALR_HUB", "chat")];
    let config = Config::from_lookup(|key| {
        set.iter().chain(&least).find(|(name, _)| *name == key).map(|(_, value)| *value)
    });
    let router = signalr_function_app::router(&config.unwrap()).unwrap();
    App::at(serve(router).await)
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A server to send requests to: a function app, or the service that it points to.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    http: Client<HttpConnector, Body>,
}

impl App {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends a request whose URI is a path.
    pub(crate) async fn send(&self, mut request: Request) -> (u16, HeaderMap, Value) {
        *request.uri_mut() = format!("http://{}{}", self.address, request.uri()).parse().unwrap();
        let (parts, body) = self.http.request(request).await.unwrap().into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| text());
        (parts.status.as_u16(), parts.headers, body)
    }

    /// Posts a JSON text and gives status and answer.
    pub(crate) async fn post_json(&self, path: &str, body: impl Into<Body>) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        let (status, _, answer) = self.send(request.body(body.into()).unwrap()).await;
        (status, answer)
    }
}

/// A call that a stand-in got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// `POST /api/…?…`.
    pub(crate) line: String,
    pub(crate) body: String,
}

/// Status and `x-ms-error-code`.
pub(crate) type Reply = (u16, &'static str);

/// A stand-in for the service.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl StandIn {
    pub(crate) async fn start(
        reply: impl Fn(&Call) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&calls);
        let router = Router::new().fallback(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let call = Call {
                line: format!("{} {}", parts.method, parts.uri),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let (status, code) = reply(&call);
            noted.lock().unwrap().push(call);
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("x-ms-error-code", code)]).into_response()
        });
        Self { address: serve(router).await, calls }
    }

    /// A stand-in that accepts every call.
    pub(crate) async fn taking_all() -> Self {
        Self::start(|_| (202, "")).await
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }
}

/// A port that nobody listens on.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
