//! The process: where it listens, how it ends, what it exits with.

use std::{io, net::Ipv4Addr, process::ExitCode, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, runtime};

use crate::config::Config;
use crate::environment::ConfigError;
use crate::listen::Listen;

/// The exit status for bad configuration, `EX_USAGE` of sysexits.h.
const EXIT_CONFIG: u8 = 64;

/// How long calls that are under way may go on after the signal to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Reads the environment, builds the router and serves it until SIGINT or SIGTERM.
///
/// Exits with 64 where a variable is missing or wrong, before anything is bound, and with 1 where
/// serving fails.
pub fn start(router: impl FnOnce(&Config) -> Result<Router, ConfigError>) -> ExitCode {
    let built = Config::from_env().and_then(|config| Ok((router(&config)?, config.listen)));
    let (router, listen) = match built {
        Ok(built) => built,
        Err(error) => return report(&error, ExitCode::from(EXIT_CONFIG)),
    };
    match serve(router, listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error, ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stderr, reason = "the one place where a failed start is told")]
fn report(error: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    eprintln!("{error}");
    code
}

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("the process cannot be set up: {0}")]
    Setup(#[source] io::Error),
    #[error(
        "port {port} on 127.0.0.1 is in use; end the program that has it, or set {variable} to another port"
    )]
    PortInUse { port: u16, variable: &'static str },
    #[error("port {port} on 127.0.0.1 cannot be opened: {source}")]
    Port { port: u16, source: io::Error },
    #[error("serving failed: {0}")]
    Serving(#[source] io::Error),
    #[cfg(feature = "lambda")]
    #[error("the Lambda runtime failed: {0}")]
    Lambda(lambda_http::Error),
}

fn serve(router: Router, listen: Listen) -> Result<(), ServeError> {
    // Lambda gives an instance one event at a time.
    let mut builder = match listen {
        Listen::Lambda => runtime::Builder::new_current_thread(),
        Listen::Azure { .. } | Listen::Local { .. } => runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build().map_err(ServeError::Setup)?;
    runtime.block_on(async {
        let signal = end_signal().map_err(ServeError::Setup)?;
        match listen {
            Listen::Lambda => serve_lambda(router, signal).await,
            Listen::Azure { port } => {
                serve_port(bind(port, crate::variable::AZURE_PORT.name).await?, router, signal)
                    .await
            }
            Listen::Local { port } => {
                serve_port(bind(port, crate::variable::PORT.name).await?, router, signal).await
            }
        }
    })
}

#[cfg(feature = "lambda")]
async fn serve_lambda(router: Router, signal: impl Future<Output = ()>) -> Result<(), ServeError> {
    tokio::select! {
        served = crate::lambda::run(router) => served.map_err(ServeError::Lambda),
        () = signal => Ok(()),
    }
}

/// Without the feature, [`Config`] refuses what would lead here.
#[cfg(not(feature = "lambda"))]
async fn serve_lambda(_: Router, _: impl Future<Output = ()>) -> Result<(), ServeError> {
    Err(ServeError::Setup(io::ErrorKind::Unsupported.into()))
}

#[expect(clippy::print_stdout, reason = "how a person or a test learns of the port")]
async fn bind(port: u16, variable: &'static str) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse { port, variable },
        _ => ServeError::Port { port, source },
    })?;
    let address = listener.local_addr().map_err(ServeError::Serving)?;
    println!("listening on http://{address}");
    Ok(listener)
}

/// Takes no new call after the signal, and ends when those under way have, or when their time is up.
async fn serve_port(
    listener: TcpListener,
    router: Router,
    signal: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (told, told_to_end) = tokio::sync::oneshot::channel();
    let signal = async move {
        signal.await;
        // The receiver is gone only when serving is over.
        let _ = told.send(());
    };
    let time_is_up = async {
        match told_to_end.await {
            Ok(()) => tokio::time::sleep(DRAIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(signal).into_future() => {
            served.map_err(ServeError::Serving)
        }
        () = time_is_up => Ok(()),
    }
}

/// Set up before anything is served, so that no signal is lost.
#[cfg(unix)]
fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

#[cfg(not(unix))]
fn end_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        // Without a handler for Ctrl-C the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc, time::Instant};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_ends_holds_the_end_up_for_no_longer_than_the_drain() {
        let (arrived, mut arrivals) = mpsc::channel::<()>(1);
        let router = Router::new().fallback(move || async move {
            arrived.send(()).await.unwrap();
            std::future::pending::<()>().await
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut call = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        call.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let signal = async move {
            arrivals.recv().await.unwrap();
        };
        let start = Instant::now();
        serve_port(listener, router, signal).await.unwrap();
        assert!(start.elapsed() >= DRAIN);
    }
}
