//! The process: how it starts and ends, and what it exits with.

use std::{io, process::ExitCode};

use axum::Router;
use signalr_http_server::{Exit, end_signal};
use tokio::runtime;

use crate::{
    config::{Config, environment::ConfigError, listen::Listen, variable},
    platform::port::{self, PortError},
};

/// Reads the environment, builds the router and serves it until SIGINT or SIGTERM.
///
/// Exits with 64 if a variable is missing or wrong, before anything is bound, and with 1 if
/// serving fails.
pub fn start(router: impl FnOnce(&Config) -> Result<Router, ConfigError>) -> ExitCode {
    let built = Config::from_env().and_then(|config| Ok((router(&config)?, config.listen)));
    let (router, listen) = match built {
        Ok(built) => built,
        Err(error) => return report(&error, Exit::BadConfiguration),
    };
    match serve(router, listen) {
        Ok(()) => ExitCode::SUCCESS,
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
