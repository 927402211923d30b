//! An upstream that takes its time.

use std::time::Duration;

use axum::{Router, http::StatusCode};
use tokio::{net::TcpListener, time::sleep};

use crate::Failure;

/// How long each answer takes.
const ANSWER_AFTER: Duration = Duration::from_secs(1);

/// Listens on a free port, and gives the URL.
pub(crate) async fn start() -> Result<String, Failure> {
    let answer = || async {
        sleep(ANSWER_AFTER).await;
        StatusCode::OK
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Ok(url)
}
