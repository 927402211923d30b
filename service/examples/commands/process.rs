//! The memory and the CPU time of a process. Its id is a number, or `self`.

#![allow(clippy::disallowed_methods, reason = "what is read is the system's own")]

use std::fs;

use signalr_service::measured::Failed;

/// Ticks of `/proc/PID/stat` in a second, which are the same on all usual machines.
const TICKS: f64 = 100.0;

/// Seconds of user and system time.
pub(crate) fn cpu(process: &str) -> Result<f64, Failed> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in brackets may hold anything; user and system are 11 fields behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks =
        behind.split_whitespace().skip(11).take(2).filter_map(|one| one.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS)
}

/// The memory that it holds, in bytes.
pub(crate) fn memory(process: &str) -> Result<u64, Failed> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.ok_or("no VmRSS")? * 1024)
}
