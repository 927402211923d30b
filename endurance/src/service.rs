//! The service in its own process.

use std::{collections::HashMap, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{Failure, site::Site};

/// How long the service may take to start.
const START: Duration = Duration::from_secs(30);

/// How long the service may take to return free memory, and how often to look.
const SETTLED: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(200);

/// A running `signalr serve`, which ends with this value.
pub(crate) struct Service {
    process: Child,
    pub(crate) site: Site,
}

impl Service {
    /// Starts the service on a free port, with these flags and variables. Its log goes to `log`.
    pub(crate) async fn start(
        binary: &str,
        flags: &[&str],
        variables: &HashMap<&str, String>,
        log: Stdio,
    ) -> Result<Self, Failure> {
        let mut process = Command::new(binary)
            .args(["serve", "--ip", "127.0.0.1", "--port", "0"])
            .args(flags)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the service has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut port = None;
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("service") {
                    port = address.rsplit(':').next().and_then(|port| port.parse().ok());
                }
                if line == "ready" {
                    return Ok(());
                }
            }
            Err(Failure::from("the service ended before it was ready"))
        };
        timeout(START, ready).await??;
        let site = Site::new(port.ok_or("the service named no port")?)?;
        Ok(Self { process, site })
    }

    /// Starts the service with these flags. It uses the standard error of this process.
    pub(crate) async fn with(binary: &str, flags: &[&str]) -> Result<Self, Failure> {
        Self::start(binary, flags, &HashMap::new(), Stdio::inherit()).await
    }

    /// The memory that the service holds, in KiB.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        self.status("VmRSS:")
    }

    /// Waits until the memory is at most this many KiB, and returns it. The service returns free memory
    /// each 30 s. So after 40 s it returns the memory that the service keeps.
    pub(crate) async fn settled_memory(&self, at_most: u64) -> Result<u64, Failure> {
        let end = Instant::now() + SETTLED;
        loop {
            let memory = self.memory()?;
            if memory <= at_most || Instant::now() >= end {
                return Ok(memory);
            }
            sleep(LOOK).await;
        }
    }

    /// The most memory that the service has held, in KiB.
    pub(crate) fn peak(&self) -> Result<u64, Failure> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64, Failure> {
        let id = self.process.id().ok_or("the service has ended")?;
        let status = signalr_small_file::read(Path::new(&format!("/proc/{id}/status")))?;
        let status = String::from_utf8(status)?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("the system does not say")?.parse()?)
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) async fn signal(&self, name: &str) -> Result<(), Failure> {
        let id = self.process.id().ok_or("the service has ended")?.to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await?;
        if status.success() { Ok(()) } else { Err(format!("no signal {name}").into()) }
    }
}
