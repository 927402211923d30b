//! The CPU time and memory of a process on this machine, from `/proc`.

use std::{fs, time::Duration};

use crate::failure::Failure;

/// The unit of times in `/proc/PID/stat`, which is the same on all usual machines.
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Process {
    folder: String,
}

impl Process {
    pub(super) fn new(pid: u32) -> Result<Self, Failure> {
        let process = Self { folder: format!("/proc/{pid}") };
        process.memory().map_err(|_| {
            Failure::Configuration(format!(
                "--pid {pid}: there is no such process here; use the server's process id, on Linux"
            ))
        })?;
        Ok(process)
    }

    pub(super) fn own() -> Self {
        Self { folder: "/proc/self".to_owned() }
    }

    /// User and system time since the process began, in steps of 10 ms.
    pub(super) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = self.read("stat")?;
        // The name in brackets may contain any character. The user and system times are the 12th
        // and 13th fields behind it.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        let ticks =
            behind.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u32>().ok());
        Ok(TICK * ticks.fold(0, u32::saturating_add))
    }

    /// The memory that the process holds, in bytes.
    pub(super) fn memory(&self) -> Result<u64, Failure> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib.saturating_mul(1024)).ok_or_else(|| self.is_gone())
    }

    #[expect(clippy::disallowed_methods, reason = "the kernel's own files are short and there")]
    fn read(&self, file: &str) -> Result<String, Failure> {
        fs::read_to_string(format!("{}/{file}", self.folder)).map_err(|_| self.is_gone())
    }

    fn is_gone(&self) -> Failure {
        Failure::Service(format!(
            "the server's process {} is gone",
            self.folder.trim_start_matches("/proc/")
        ))
    }
}
