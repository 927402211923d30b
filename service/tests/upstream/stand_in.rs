//! A stand-in for an upstream: notes each call, and answers as it was told to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A request that came.
#[derive(Debug)]
pub(crate) struct Call {
    /// `POST /path?query`
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The text of a header; `None` where it is missing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(std::str::from_utf8(value.as_bytes()).expect("a header is not UTF-8"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is not UTF-8")
    }
}

pub(crate) struct StandIn {
    pub(crate) url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    script: Script,
}

/// The answers to come, each as soon as it is known.
type Script = Arc<Mutex<VecDeque<oneshot::Receiver<Response>>>>;

impl StandIn {
    /// One that answers 204 to whatever it is not told to answer otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        let script = Script::default();
        let router = Router::new().fallback(answer).with_state((sender, Arc::clone(&script)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}"), calls, script }
    }

    /// How the next request is answered of those that nothing is said about.
    pub(crate) fn will_answer(&self, answer: impl IntoResponse) {
        self.will_wait().send(answer.into_response()).expect("the answer is waited for");
    }

    /// Lets the next request wait for what is sent there.
    pub(crate) fn will_wait(&self) -> oneshot::Sender<Response> {
        let (sender, answer) = oneshot::channel();
        self.script.lock().unwrap().push_back(answer);
        sender
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Call {
        let call = timeout(PATIENCE, self.calls.recv()).await;
        call.expect("no request comes").expect("the stand-in serves for good")
    }
}

async fn answer(
    State((calls, script)): State<(mpsc::UnboundedSender<Call>, Script)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let answer = script.lock().unwrap().pop_front();
    calls.send(Call { line, headers: parts.headers, body }).expect("the test has ended");
    match answer {
        Some(answer) => answer.await.expect("the test has ended"),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
