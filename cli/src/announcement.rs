//! The lines that the command prints after its start.

use std::{fmt, io, net::IpAddr, time::Duration};

use crate::output::Output;

/// How long the start waits until the printed lines are read. Lines that are read later are still
/// written.
const WRITTEN: Duration = Duration::from_millis(100);

/// One fact for the user, with its name in front.
#[derive(Debug)]
pub(crate) struct Line {
    name: &'static str,
    value: String,
}

impl Line {
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<19}{}", self.name, self.value)
    }
}

/// The lines about a service of our own.
pub(crate) fn service(scheme: Scheme, host: &str, port: u16, key: &str) -> Vec<Line> {
    vec![
        Line::new("service", format!("{scheme}://{host}:{port}")),
        Line::new("connection string", connection_string(scheme, host, port, key)),
    ]
}

/// The connection string as asrs-emulator prints it.
pub(crate) fn connection_string(scheme: Scheme, host: &str, port: u16, key: &str) -> String {
    format!("Endpoint={scheme}://{host};Port={port};AccessKey={key};Version=1.0;")
}

/// The scheme of the service's URL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// An address as the host of a URL.
pub(crate) fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Prints the lines and then `ready`, which programs wait for. If the output cannot be written, the
/// command continues and logs a warning.
///
/// # Errors
///
/// If the system cannot start a thread.
pub(crate) fn print(lines: &[Line]) -> io::Result<()> {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let standard_output = Output::start("standard output", io::stdout())?;
    standard_output.send(format!("{lines}ready\n").as_bytes());
    standard_output.flush(WRITTEN);
    tracing::info!("ready");
    Ok(())
}

/// Prints a warning at any log level.
pub(crate) fn warn(standard_error: &Output, text: &str) {
    standard_error.send(format!("WARNING: {text}\n").as_bytes());
}
