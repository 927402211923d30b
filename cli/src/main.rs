//! The `signalr` command.

mod access;
mod admin;
mod announcement;
mod bench;
mod client;
mod cluster;
mod completions;
mod connection;
mod dashboard;
mod dev;
mod execute;
mod failure;
mod group;
mod health;
mod invoke;
mod keys;
mod limits;
mod local_settings;
mod log;
mod negotiate;
mod open_api;
mod open_files;
mod output;
mod page;
mod print;
mod send;
mod serve;
mod server;
mod service_mode;
mod terminal;
mod tls;
mod token;
mod trust;
mod upstream;
mod user;

use std::{ffi::OsString, io, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};

use self::{failure::Failure, output::Output};

/// How long the end waits until the last output is read.
const FLUSHED: Duration = Duration::from_secs(1);

/// Real-time messages from serverless functions to browsers.
#[derive(Debug, Parser)]
#[command(name = "signalr", version, about)]
struct Arguments {
    /// How the log is written
    #[arg(long, global = true, value_enum, env = signalr_log::FORMAT_VARIABLE, default_value_t)]
    log_format: signalr_log::Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Dev),
    Serve(Box<serve::Serve>),
    Upstream(upstream::Upstream),
    Cluster(cluster::Cluster),
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
    let serves = matches!(arguments.command, Command::Dev(_) | Command::Serve(_));
    let traces = log::start(&environment, arguments.log_format, serves, standard_error)?;
    let ended = carry_out(arguments.command, standard_error, environment).await;
    traces.end().await;
    ended
}

async fn carry_out(
    command: Command,
    standard_error: &Output,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<(), Failure> {
    match command {
        Command::Dev(dev) => dev.run(standard_error, environment).await,
        Command::Serve(serve) => serve.run(standard_error).await,
        Command::Upstream(upstream) => upstream.run(),
        Command::Cluster(cluster) => cluster.run().await,
        Command::Client(client) => client.run(environment).await,
        Command::Server(server) => server.run(standard_error, environment).await,
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
