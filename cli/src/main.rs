//! The `signalr` command.

mod announcement;
mod dev;
mod failure;
mod limits;
mod open_files;
mod page;
mod serve;
mod tls;

use std::{ffi::OsString, io, process::ExitCode};

use clap::{Parser, Subcommand};
use failure::Failure;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// The variable that says which log lines are written.
const LOG_FILTER: &str = "RUST_LOG";

/// Real-time messages from serverless functions to browsers.
#[derive(Debug, Parser)]
#[command(name = "signalr", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Dev),
    Serve(Box<serve::Serve>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage(&error),
    };
    match run(arguments, |key| std::env::var_os(key)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(
    arguments: Arguments,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<(), Failure> {
    log_to_stderr(environment(LOG_FILTER))?;
    match arguments.command {
        Command::Dev(dev) => dev.run(environment).await,
        Command::Serve(serve) => serve.run().await,
    }
}

/// Standard output carries what a program may read, such as `ready`; logs stay off it.
fn log_to_stderr(filter: Option<OsString>) -> Result<(), Failure> {
    let filter = filter.unwrap_or_default().to_string_lossy().into_owned();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse(&filter)
        .map_err(|error| {
            Failure::Configuration(format!(
                "{LOG_FILTER} '{filter}' is no filter: {error}; write a level such as info, or \
                 pairs such as signalr_service=debug"
            ))
        })?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    Ok(())
}
