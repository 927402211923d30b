//! The `signalr` command.

mod access;
mod announcement;
mod bench;
mod client;
mod completions;
mod connection;
mod dev;
mod execute;
mod failure;
mod group;
mod health;
mod invoke;
mod limits;
mod negotiate;
mod open_api;
mod open_files;
mod page;
mod print;
mod send;
mod serve;
mod server;
mod terminal;
mod tls;
mod token;
mod user;

use std::{ffi::OsString, io, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
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
    Client(Box<client::Client>),
    Server(Box<server::Server>),
    Send(Box<send::Send>),
    Group(Box<group::Group>),
    User(Box<user::User>),
    Connection(Box<connection::Connection>),
    Token(Box<token::Token>),
    Negotiate(Box<negotiate::Negotiate>),
    Invoke(Box<invoke::Invoke>),
    Execute(Box<execute::Execute>),
    Health(Box<health::Health>),
    #[command(name = "openapi")]
    OpenApi(Box<open_api::OpenApi>),
    Bench(Box<bench::Bench>),
    Completions(completions::Completions),
    Man(completions::Man),
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
        Command::Client(client) => client.run(environment).await,
        Command::Server(server) => server.run(environment).await,
        Command::Send(send) => send.run(environment).await,
        Command::Group(group) => group.run(environment).await,
        Command::User(user) => user.run(environment).await,
        Command::Connection(connection) => connection.run(environment).await,
        Command::Token(token) => token.run(environment).await,
        Command::Negotiate(negotiate) => negotiate.run(environment).await,
        Command::Invoke(invoke) => invoke.run(environment).await,
        Command::Execute(execute) => execute.run(environment).await,
        Command::Health(health) => health.run(environment).await,
        Command::OpenApi(open_api) => open_api.run(environment).await,
        Command::Bench(bench) => bench.run(environment).await,
        Command::Completions(completions) => completions.run(Arguments::command()),
        Command::Man(man) => man.run(Arguments::command()),
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
