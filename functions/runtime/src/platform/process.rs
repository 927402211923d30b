//! The process: its start, its end and its exit code.

use std::{io, process::ExitCode};

use axum::Router;
use signalr_http_server::{Exit, end_signal};
use tokio::runtime;

use crate::{
    config::{Config, environment::ConfigError, listen::Listen, variable},
    platform::{
        port::{self, PortError},
        watched::Watched,
    },
};

/// Reads the environment, builds the router and serves it until SIGINT or SIGTERM.
///
/// Exits with 64 if a variable is missing or wrong, before anything is bound, and with 1 if
/// serving fails.
pub fn start(router: impl FnOnce(&Config) -> Result<Router, ConfigError>) -> ExitCode {
    let built = Config::from_env().and_then(|config| Ok((router(&config)?, config)));
    let (router, config) = match built {
        Ok(built) => built,
        Err(error) => return report(&error, Exit::BadConfiguration),
    };
    match serve(router, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ServeError::Configuration(error)) => report(&error, Exit::BadConfiguration),
        Err(error) => report(&error, Exit::Failed),
    }
}

#[expect(clippy::print_stderr, reason = "the one place where a failed start is told")]
fn report(error: &dyn std::fmt::Display, exit: Exit) -> ExitCode {
    eprintln!("{error}");
    exit.into()
}

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    #[error("the process cannot be set up: {0}")]
    Setup(#[source] io::Error),
    #[error(transparent)]
    Port(#[from] PortError),
    #[cfg(feature = "lambda")]
    #[error("the Lambda runtime failed: {0}")]
    Lambda(lambda_http::Error),
}

fn serve(router: Router, config: Config) -> Result<(), ServeError> {
    let listen = config.listen;
    // Lambda gives an instance one event at a time.
    let mut builder = match listen {
        Listen::Lambda => runtime::Builder::new_current_thread(),
        Listen::Azure { .. } | Listen::Local { .. } => runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build().map_err(ServeError::Setup)?;
    runtime.block_on(async {
        let watched = Watched::start(&config)?;
        let signal = end_signal().map_err(ServeError::Setup)?;
        let served = serve_at(listen, router, signal).await;
        watched.end().await;
        served
    })
}

async fn serve_at(
    listen: Listen,
    router: Router,
    signal: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let listeners = match listen {
        Listen::Lambda => return serve_lambda(router, signal).await,
        Listen::Azure { port } => port::bind(port, variable::AZURE_PORT).await?,
        Listen::Local { port } => port::bind(port, variable::PORT).await?,
    };
    port::serve(listeners, router, signal).await;
    Ok(())
}

#[cfg(feature = "lambda")]
async fn serve_lambda(router: Router, signal: impl Future<Output = ()>) -> Result<(), ServeError> {
    tokio::select! {
        served = crate::platform::lambda::run(router) => served.map_err(ServeError::Lambda),
        () = signal => Ok(()),
    }
}

/// Never runs: without the feature, [`Config`] refuses settings that would lead here.
#[cfg(not(feature = "lambda"))]
async fn serve_lambda(_: Router, _: impl Future<Output = ()>) -> Result<(), ServeError> {
    Err(ServeError::Setup(io::ErrorKind::Unsupported.into()))
}
