//! A server that shows the exact bytes of each request and answers by a script.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use signalr_serverless::{ConnectionString, HubName, rest::RestClient};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

pub(crate) enum Reply {
    /// Status, headers with `\r\n` after each, body.
    Http(u16, &'static str, String),
    /// The connection stays open without an answer.
    Silence,
    /// The connection is closed.
    HangUp,
}

pub(crate) fn status(status: u16) -> Reply {
    Reply::Http(status, "", String::new())
}

pub(crate) fn json(body: impl Into<String>) -> Reply {
    Reply::Http(200, "content-type: application/json\r\n", body.into())
}

/// A fitting answer to this request.
pub(crate) fn success(request: &Request) -> Reply {
    let path = request.target.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        Some("connections") => json(r#"{"value":[]}"#),
        Some(":invoke") => json("{}"),
        Some(":refreshAuth" | ":getClaims") => json(r#"{"claims":[]}"#),
        Some(":generateToken") => json(r#"{"token":"a.b.c"}"#),
        Some("accessKey") => json(r#"{"AccessKey":"secret","KeyId":"1"}"#),
        _ => status(200),
    }
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as they came over the wire.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    pub(crate) host_and_port: String,
    requests: mpsc::UnboundedReceiver<Request>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host_and_port = listener.local_addr().unwrap().to_string();
        let (seen, requests) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (seen, reply) = (seen.clone(), Arc::clone(&reply));
                tokio::spawn(async move { serve(socket, &seen, &*reply).await });
            }
        });
        Self { host_and_port, requests, connections }
    }

    /// A server that sends these answers one after another, and then 200.
    pub(crate) async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(VecDeque::from_iter(replies));
        Self::start(move |_| replies.lock().unwrap().pop_front().unwrap_or_else(|| status(200)))
            .await
    }

    /// How many requests have come.
    pub(crate) fn count(&mut self) -> usize {
        std::iter::from_fn(|| self.requests.try_recv().ok()).count()
    }

    pub(crate) fn service(&self, more: &str) -> ConnectionString {
        let text = format!("Endpoint=http://{};AccessKey={KEY};{more}", self.host_and_port);
        ConnectionString::parse(&text).unwrap()
    }

    pub(crate) fn client(&self) -> RestClient {
        RestClient::new(&self.service("")).unwrap().with_time_limit(Duration::from_secs(20))
    }

    pub(crate) fn hub(&self) -> signalr_serverless::rest::Hub {
        self.client().hub(HubName::parse("Chat").unwrap())
    }

    /// The next request. It is here before its reply was read.
    pub(crate) fn request(&mut self) -> Request {
        self.requests.try_recv().expect("a request has come")
    }

    pub(crate) fn has_request(&mut self) -> bool {
        self.requests.try_recv().is_ok()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    socket: TcpStream,
    seen: &mpsc::UnboundedSender<Request>,
    reply: &(dyn Fn(&Request) -> Reply + Send + Sync),
) {
    let mut socket = BufReader::new(socket);
    while let Some(request) = read_request(&mut socket).await {
        let reply = reply(&request);
        let is_head = request.method == "HEAD";
        let _ = seen.send(request);
        match reply {
            Reply::Http(status, headers, body) => {
                let length = body.len();
                let body = if is_head { String::new() } else { body };
                let text = format!(
                    "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                if socket.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Silence => std::future::pending().await,
            Reply::HangUp => return,
        }
    }
}

/// `None` if the other side is done or does not speak HTTP.
async fn read_request(socket: &mut BufReader<TcpStream>) -> Option<Request> {
    let first = read_line(socket).await?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(socket).await?;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, target, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}

async fn read_line(socket: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    socket.read_until(b'\n', &mut line).await.ok()?;
    let line = String::from_utf8(line).ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}
