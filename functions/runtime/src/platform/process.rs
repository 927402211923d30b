//! The process: how it starts and ends, and what it exits with.

use std::{io, process::ExitCode};

use axum::Router;
use tokio::runtime;

use crate::{
    config::{Config, environment::ConfigError, listen::Listen, variable},
    platform::port::{self, PortError},
};

/// The exit status for bad configuration, `EX_USAGE` of sysexits.h.
const EXIT_CONFIG: u8 = 64;

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
    #[error(transparent)]
    Port(#[from] PortError),
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
                port::serve(port::bind(port, variable::AZURE_PORT).await?, router, signal).await;
                Ok(())
            }
            Listen::Local { port } => {
                port::serve(port::bind(port, variable::PORT).await?, router, signal).await;
                Ok(())
            }
        }
    })
}

#[cfg(feature = "lambda")]
async fn serve_lambda(router: Router, signal: impl Future<Output = ()>) -> Result<(), ServeError> {
    tokio::select! {
        served = crate::platform::lambda::run(router) => served.map_err(ServeError::Lambda),
        () = signal => Ok(()),
    }
}

/// Without the feature, [`Config`] refuses what would lead here.
#[cfg(not(feature = "lambda"))]
async fn serve_lambda(_: Router, _: impl Future<Output = ()>) -> Result<(), ServeError> {
    Err(ServeError::Setup(io::ErrorKind::Unsupported.into()))
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
