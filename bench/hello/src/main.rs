//! An HTTP server on axum with the lowest possible cost.
//!
//! ```text
//! hello --answer-bytes 400 --forward-to http://127.0.0.1:5000/api/v1/hubs/bench
//! ```
//!
//! `POST /answer` answers with this many bytes. `POST /read`, and a POST to any other path, reads the
//! body and answers 202, so a function can send to a hello. `POST /forward` sends the body to the
//! other URL through the HTTP client of the functions, with the caller's token. It answers with the
//! status that it got.

use std::{
    io::{self, Write},
    net::Ipv4Addr,
    process::ExitCode,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use clap::Parser;
use reqwest::Client;
use signalr_http_client::{Trust, client};
use tokio::net::TcpListener;

/// The exit code of a bad argument: `EX_USAGE` of sysexits.h.
const BAD_ARGUMENT: u8 = 64;

/// An HTTP server on axum with the lowest possible cost; it listens on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "hello", version)]
struct Arguments {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, default_value_t = 0)]
    port: u16,

    /// Bytes of the answer of /answer
    #[arg(long, default_value_t = 400)]
    answer_bytes: usize,

    /// URL that /forward sends to
    #[arg(long, default_value = "http://127.0.0.1:9/")]
    forward_to: String,
}

#[derive(Clone)]
struct Hello {
    answer: Bytes,
    forward_to: String,
    http: Client,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // If standard error is closed, nobody can read the text.
            let _ = error.print();
            let code = if error.use_stderr() { BAD_ARGUMENT } else { 0 };
            return ExitCode::from(code);
        }
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As above.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let hello = Hello {
        answer: "x".repeat(arguments.answer_bytes).into(),
        forward_to: arguments.forward_to,
        http: client(&Trust::default()).map_err(io::Error::other)?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    announce(&listener)?;
    let router = Router::new()
        .route("/answer", post(answer))
        .route("/read", post(read))
        .route("/forward", post(forward))
        .fallback(post(read))
        .with_state(hello);
    axum::serve(listener, router).await
}

fn announce(listener: &TcpListener) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on http://{}", listener.local_addr()?)?;
    writeln!(out, "ready")?;
    out.flush()
}

async fn answer(State(hello): State<Hello>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], hello.answer).into_response()
}

async fn read(_body: Bytes) -> StatusCode {
    StatusCode::ACCEPTED
}

async fn forward(State(hello): State<Hello>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut request = hello.http.post(hello.forward_to).body(body);
    request = request.header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = headers.get(header::AUTHORIZATION) {
        request = request.header(header::AUTHORIZATION, token);
    }
    request.send().await.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
}
