//! Runs all scenarios, or the named ones, against a `signalr` binary.
//!
//! ```text
//! cargo run --release -p signalr-endurance -- target/release/signalr full stopped
//! ```
//!
//! The arguments are the binary, a scale (`full`, `busy` or `small`), and names of scenarios. All
//! traffic stays on this machine. The exit code is 1 if a scenario fails.

#![allow(clippy::print_stdout, reason = "a tool for people")]

use std::process::ExitCode;

use signalr_endurance::{Failure, Scale, Scenario};

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().unwrap_or_else(|| "target/release/signalr".to_owned());
    let scale = match arguments.next().as_deref() {
        None | Some("full") => Scale::FULL,
        Some("busy") => Scale::BUSY,
        Some("small") => Scale::SMALL,
        Some(other) => {
            return Err(format!("'{other}' is not a scale; use full, busy or small").into());
        }
    };
    let named: Vec<String> = arguments.collect();
    let is_meant = |one: &Scenario| named.is_empty() || named.iter().any(|name| name == one.name());
    let mut code = ExitCode::SUCCESS;
    for scenario in Scenario::ALL.into_iter().filter(is_meant) {
        match scenario.run(&binary, scale).await {
            Ok(figures) => println!("{:<16} {figures}", scenario.name()),
            Err(failure) => {
                println!("{:<16} FAILED: {failure}", scenario.name());
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
