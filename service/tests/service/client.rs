//! A running service, and clients that speak to it over real sockets.

use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use signalr_serverless::{AccessKey, NegotiateOptions, Token, UserId};
use signalr_service::{Config, Counters, Listen, Service, WELL_KNOWN_ACCESS_KEY};
use tokio::{
    net::TcpStream,
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::timeout,
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async, connect_async_tls_with_config,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::CloseFrame},
};

/// No test waits longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come in the end.
pub(crate) async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("it does not come")
}

pub(crate) fn key() -> AccessKey {
    AccessKey::parse(WELL_KNOWN_ACCESS_KEY).unwrap()
}

/// A service on a free port, which ends with the test.
pub(crate) struct Running {
    pub(crate) host: String,
    /// How WebSockets of `wss` connect.
    pub(crate) connector: Option<Connector>,
    is_secured: bool,
    pub(crate) preview_host: Option<String>,
    pub(crate) admin_host: Option<String>,
    pub(crate) counters: std::sync::Arc<signalr_service::Counters>,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) async fn start() -> Running {
    start_with(Config::default()).await
}

pub(crate) async fn start_with(config: Config) -> Running {
    let config = Config { listen: Listen::Address(([127, 0, 0, 1], 0).into()), ..config };
    let is_secured = config.tls.is_some();
    let http = signalr_http_client::client(&config.trust).unwrap();
    let service: Service = config.bind().await.unwrap();
    let host = service.addresses()[0].to_string();
    let preview_host = service.preview_addresses().first().map(ToString::to_string);
    let admin_host = service.admin_addresses().first().map(ToString::to_string);
    let counters = service.counters();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(service.run(async {
        let _ = stopped.await;
    }));
    Running {
        host,
        connector: None,
        is_secured,
        preview_host,
        admin_host,
        counters,
        http,
        stop: Some(stop),
        task,
    }
}

impl Running {
    /// Asks the service to end.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
    }

    /// Asks the service to end and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.end();
        timeout(PATIENCE, self.task).await.expect("the service does not end").unwrap();
    }

    pub(crate) fn client_token(&self, hub: &str, user: Option<&str>) -> String {
        let mut options = NegotiateOptions::default();
        if let Some(user) = user {
            options = options.with_user_id(UserId::parse(user).unwrap());
        }
        let audience = format!("http://{}/client/?hub={hub}", self.host);
        Token::client(&key(), &audience, &options, SystemTime::now()).unwrap().as_str().to_owned()
    }

    pub(crate) fn http(&self, method: Method, path: &str) -> RequestBuilder {
        let scheme = if self.is_secured { "https" } else { "http" };
        self.http.request(method, format!("{scheme}://{}{path}", self.host))
    }

    /// A REST call with a token of its own.
    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http(method, path).bearer_auth(self.rest_token(path))
    }

    pub(crate) fn rest_token(&self, path: &str) -> String {
        let audience = format!("http://{}{}", self.host, path.split('?').next().unwrap());
        let lifetime = Duration::from_secs(60);
        let token = Token::rest(&key(), &audience, lifetime, SystemTime::now()).unwrap();
        token.as_str().to_owned()
    }

    /// Waits until the service's counts are as they should be.
    pub(crate) async fn until(&self, is_so: impl Fn(&Counters) -> bool) {
        let waiting = async {
            while !is_so(&self.counters) {
                yield_now().await;
            }
        };
        let counters = &self.counters;
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("still {counters:?}"));
    }

    /// The status of a REST call without a body.
    pub(crate) async fn status(&self, method: Method, path: &str) -> StatusCode {
        self.call(method, path).send().await.unwrap().status()
    }

    /// Sends to everyone in the hub `chat`.
    pub(crate) async fn broadcast(&self, arguments: Value) {
        self.send("/api/v1/hubs/chat", arguments).await;
    }

    pub(crate) async fn send(&self, path: &str, arguments: Value) {
        let body = json!({ "target": "m", "arguments": arguments });
        let response = self.call(Method::POST, path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{path}");
    }

    pub(crate) async fn negotiate(&self, hub: &str, user: Option<&str>) -> Value {
        let path = format!("/client/negotiate?hub={hub}&negotiateVersion=1");
        let request = self.http(Method::POST, &path).bearer_auth(self.client_token(hub, user));
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) fn connect_url(
        &self,
        hub: &str,
        user: Option<&str>,
        connection_token: &str,
    ) -> String {
        let token = self.client_token(hub, user);
        let scheme = if self.is_secured { "wss" } else { "ws" };
        format!(
            "{scheme}://{}/client/?hub={hub}&id={connection_token}&access_token={token}",
            self.host
        )
    }

    /// A client of the hub `chat`.
    pub(crate) async fn connect(&self, user: Option<&str>) -> Client {
        self.connect_to("chat", user).await
    }

    pub(crate) async fn connect_to(&self, hub: &str, user: Option<&str>) -> Client {
        let negotiation = self.negotiate(hub, user).await;
        let token = negotiation["connectionToken"].as_str().unwrap();
        let url = self.connect_url(hub, user, token);
        let mut client = Client::open_with(&url, self.connector.clone()).await;
        client.id = negotiation["connectionId"].as_str().unwrap().to_owned();
        client.connection_token = token.to_owned();
        client.shake_hands().await;
        client
    }
}

/// The status with which a WebSocket is refused.
pub(crate) async fn refusal(url: &str) -> (u16, String) {
    match connect_async(url.into_client_request().unwrap()).await {
        Err(tungstenite::Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8(body).unwrap())
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// A client over WebSockets with the JSON protocol.
pub(crate) struct Client {
    pub(crate) id: String,
    /// The secret one of its negotiation.
    pub(crate) connection_token: String,
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Hub messages that came with others in one frame.
    waiting: std::collections::VecDeque<Value>,
}

impl Client {
    pub(crate) async fn open(url: &str) -> Self {
        Self::open_with(url, None).await
    }

    async fn open_with(url: &str, connector: Option<Connector>) -> Self {
        let request = url.into_client_request().unwrap();
        let connected = connect_async_tls_with_config(request, None, false, connector).await;
        let (socket, _) = connected.unwrap();
        let connection_token = String::new();
        Self { id: String::new(), connection_token, socket, waiting: Default::default() }
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(format!("{message}\u{1e}")).await;
    }

    /// Sends a message, unless the service has closed the connection.
    pub(crate) async fn try_send(&mut self, message: &Value) -> Result<(), tungstenite::Error> {
        self.socket.send(Message::text(format!("{message}\u{1e}"))).await
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn shake_hands(&mut self) {
        self.send(&json!({ "protocol": "json", "version": 1 })).await;
        assert_eq!(self.next().await, json!({}));
    }

    /// The next hub message that is not a ping.
    pub(crate) async fn next(&mut self) -> Value {
        in_time(async {
            loop {
                let message = self.next_of_any_type().await;
                if message["type"] != 6 {
                    return message;
                }
            }
        })
        .await
    }

    pub(crate) async fn next_of_any_type(&mut self) -> Value {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return message;
            }
            match self.frame().await {
                Some(Message::Text(text)) => {
                    let records = text.strip_suffix('\u{1e}').expect("a record is cut");
                    let parsed =
                        records.split('\u{1e}').map(|one| serde_json::from_str(one).unwrap());
                    self.waiting.extend(parsed);
                }
                other => panic!("no hub message but {other:?}"),
            }
        }
    }

    /// The arguments of the next invocation.
    pub(crate) async fn arguments(&mut self) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], 1, "{message}");
        message["arguments"].clone()
    }

    /// The next text that is not a ping, as it came.
    pub(crate) async fn text(&mut self) -> String {
        in_time(async {
            loop {
                match self.frame().await {
                    Some(Message::Text(text)) if text.as_str() != "{\"type\":6}\u{1e}" => {
                        return text.as_str().to_owned();
                    }
                    Some(_) => {}
                    None => panic!("the connection ended"),
                }
            }
        })
        .await
    }

    /// The next WebSocket frame; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        let frame = timeout(PATIENCE, self.socket.next()).await.expect("nothing comes");
        frame.and_then(Result::ok)
    }

    /// Reads the Close message, the close frame and the end of the stream. Returns the message.
    pub(crate) async fn closed(&mut self) -> Value {
        let close = self.next().await;
        assert_eq!(close["type"], 7, "{close}");
        self.ended().await;
        close
    }

    /// Reads to the end of the stream, and returns the close frame before it.
    pub(crate) async fn ended(&mut self) -> Option<CloseFrame> {
        in_time(async {
            let mut close = None;
            while let Some(frame) = self.frame().await {
                if let Message::Close(frame) = frame {
                    close = frame;
                }
            }
            close
        })
        .await
    }
}
