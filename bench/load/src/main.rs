//! Loads a SignalR server, checks its deliveries, and measures their cost.
//!
//! ```text
//! load broadcast --service "Endpoint=http://localhost;Port=8888;AccessKey=…;Version=1.0;" \
//!   --connections 1000 --messages 300 --pace 20 --pid 1234
//! load broadcast --url http://127.0.0.1:5000/hub --publish http://127.0.0.1:5000/send
//! load calls --url http://127.0.0.1:5000/negotiate --count 100000 --in-flight 16
//! ```
//!
//! Exit codes: 0 if everything came once and in order, 2 if not, 1 if the server could not be
//! measured, 64 for a bad argument.

mod arguments;
mod broadcast;
mod calls;
mod carrier;
mod clock;
mod connect;
mod dialect;
mod failure;
mod http;
mod message;
mod one_by_one;
mod process;
mod processes;
mod publisher;
mod recipients;
mod report;
mod server;
mod subscriber;
mod tally;
mod websocket;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use arguments::{Arguments, Task};
use clap::Parser;
use failure::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // If standard error is closed, nobody can read the text.
            let _ = error.print();
            let code = if error.use_stderr() { failure::BAD_ARGUMENT } else { 0 };
            return ExitCode::from(code);
        }
    };
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            // As above.
            let _ = writeln!(io::stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.task {
        Task::Broadcast(task) => {
            let report = broadcast::run(&task.plan()?)?;
            report::print(&report, task.server.json);
            let code = if report.is_clean() { 0 } else { failure::FAULTS_FOUND };
            Ok(ExitCode::from(code))
        }
        Task::Calls(task) => {
            report::print(&calls::run(&task.plan()?)?, task.json);
            Ok(ExitCode::SUCCESS)
        }
        Task::Connections(task) => {
            report::print(&one_by_one::connections(&task.plan()?)?, task.server.json);
            Ok(ExitCode::SUCCESS)
        }
        Task::Negotiates(task) => {
            report::print(&one_by_one::negotiates(&task.plan()?)?, task.server.json);
            Ok(ExitCode::SUCCESS)
        }
    }
}
