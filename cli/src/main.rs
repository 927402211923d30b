//! The `signalr` command.

mod admin;
mod announcement;
mod dev;
mod failure;
mod keys;
mod limits;
mod local_settings;
mod log;
mod open_files;
mod output;
mod page;
mod serve;
mod tls;

use std::{ffi::OsString, io, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use self::{failure::Failure, output::Output};

/// It gives memory back to the system once it is free. The system's own keeps what each thread once
/// needed: after ten thousand connections the service stayed as large as with them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long the end waits for somebody to read what was said last.
const FLUSHED: Duration = Duration::from_secs(1);

/// Real-time messages from serverless functions to browsers.
#[derive(Debug, Parser)]
#[command(name = "signalr", version, about)]
struct Arguments {
    /// How the log is written
    #[arg(long, global = true, value_enum, env = "SIGNALR_LOG_FORMAT", default_value_t)]
    log_format: log::Format,

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
    let standard_error = match Output::start("standard error", io::stderr()) {
        Ok(output) => output,
        Err(error) => return failure::no_thread(&error),
    };
    let ended = run(arguments, &standard_error, |key| std::env::var_os(key)).await;
    let code = ended.map_or_else(|failure| failure.report(&standard_error), |()| ExitCode::SUCCESS);
    standard_error.flush(FLUSHED);
    code
}

async fn run(
    arguments: Arguments,
    standard_error: &Output,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<(), Failure> {
    log::start(environment(log::LOG_FILTER), arguments.log_format, standard_error)?;
    match arguments.command {
        Command::Dev(dev) => dev.run(standard_error, environment).await,
        Command::Serve(serve) => serve.run(standard_error).await,
    }
}
