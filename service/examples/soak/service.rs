//! The service in a process of its own, so that its memory is its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::json;
use signalr_serverless::ConnectionString;
use tempfile::TempDir;

use crate::Failure;

/// A running `signalr serve`, which ends with this value.
pub(crate) struct Service {
    process: Child,
    _settings: TempDir,
}

impl Service {
    /// Starts the service on a free port with an upstream for all that clients do.
    pub(crate) fn start(binary: &str, upstream: &str) -> Result<(Self, ConnectionString), Failure> {
        let settings = tempfile::tempdir()?;
        let file = settings.path().join("settings.json");
        let templates = json!([{ "UrlTemplate": upstream, "EventPattern": "*",
            "HubPattern": "*", "CategoryPattern": "*" }]);
        std::fs::write(
            &file,
            json!({ "UpstreamSettings": { "Templates": templates } }).to_string(),
        )?;
        let process = Command::new(binary)
            .args(["serve", "--port", "0", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut service = Self { process, _settings: settings };
        let output = service.process.stdout.take().ok_or("the service has no output")?;
        let mut connection_string = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(at) = line.find("Endpoint=") {
                connection_string = Some(ConnectionString::parse(&line[at..])?);
            }
            if line == "ready" {
                break;
            }
        }
        Ok((service, connection_string.ok_or("the service printed no connection string")?))
    }

    /// The memory that the service holds, in KiB.
    pub(crate) fn memory(&self) -> Result<u32, Failure> {
        let status =
            signalr_small_file::read(format!("/proc/{}/status", self.process.id()).as_ref())?;
        let status = String::from_utf8(status)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
