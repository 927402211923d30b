//! Reads CPU time, memory and limits of processes from `/proc`.

#![expect(clippy::disallowed_methods, reason = "the files are the system's own")]

use std::{collections::BTreeMap, fs, time::Duration};

use serde::Serialize;

use crate::failure::Failure;

/// The unit of times in `/proc/PID/stat`. It is the same on all usual machines.
const TICK: Duration = Duration::from_millis(10);
const HELD_MEMORY: &str = "VmRSS:";
const MOST_MEMORY: &str = "VmHWM:";

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
}

/// The CPU time of a process, user and system, since it began.
#[derive(Debug)]
pub(crate) struct CpuReading {
    /// The nanoseconds of each thread. Empty if the kernel has no such counts.
    by_thread: BTreeMap<String, u64>,
    /// The time of all threads, including ended threads.
    ticks: Duration,
}

/// CPU time between two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuTime {
    pub(crate) spent: Duration,
    pub(crate) source: Source,
}

/// The source of a CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Source {
    /// To the nanosecond.
    #[serde(rename = "user + system of all threads, /proc/PID/task/*/schedstat")]
    Threads,
    /// In ticks of 10 ms.
    #[serde(rename = "user + system, /proc/PID/stat in ticks of 10 ms")]
    Ticks,
}

/// How a single thread spent its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnTime {
    pub(crate) running: Duration,
    /// The time when the thread was ready to run and no core was free.
    pub(crate) waiting: Duration,
}

impl Process {
    pub(crate) fn new(pid: u32) -> Result<Self, Failure> {
        let process = Self { pid };
        process.memory().map_err(|_| {
            Failure::argument(format!("--pid {pid}: no such process; use the server's process id"))
        })?;
        Ok(process)
    }

    pub(crate) fn cpu(&self) -> Result<CpuReading, Failure> {
        let folder = format!("/proc/{}", self.pid);
        let mut by_thread = BTreeMap::new();
        for thread in fs::read_dir(format!("{folder}/task")).into_iter().flatten().flatten() {
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            if let Some([running, _]) = numbers(&text) {
                by_thread.insert(thread.file_name().to_string_lossy().into_owned(), running);
            }
        }
        let stat = fs::read_to_string(format!("{folder}/stat")).map_err(|_| self.is_gone())?;
        // The name in brackets may contain anything. 11 fields follow it, then user and system time.
        let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
        let ticks =
            behind.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u32>().ok());
        Ok(CpuReading { by_thread, ticks: TICK * ticks.sum::<u32>() })
    }

    /// The memory that the process holds, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        self.status(HELD_MEMORY)
    }

    /// The most memory that the process ever held, in bytes.
    pub(crate) fn most_memory(&self) -> Result<u64, Failure> {
        self.status(MOST_MEMORY)
    }

    fn status(&self, name: &str) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid));
        let status = status.map_err(|_| self.is_gone())?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| self.is_gone())
    }

    fn is_gone(&self) -> Failure {
        Failure::server(format!("the server's process {} is gone", self.pid))
    }
}

impl CpuReading {
    /// The time by thread if possible. The time of an ended thread is no longer listed, so then the
    /// time is in ticks.
    pub(crate) fn since(&self, earlier: &Self) -> CpuTime {
        let ticks = self.ticks.saturating_sub(earlier.ticks);
        let by_thread = self.by_thread.iter().map(|(thread, now)| {
            now.saturating_sub(earlier.by_thread.get(thread).copied().unwrap_or_default())
        });
        let spent = Duration::from_nanos(by_thread.sum());
        let has_lost = earlier.by_thread.keys().any(|thread| !self.by_thread.contains_key(thread));
        if self.by_thread.is_empty() || has_lost || ticks > spent + 3 * TICK {
            return CpuTime { spent: ticks, source: Source::Ticks };
        }
        CpuTime { spent, source: Source::Threads }
    }
}

impl OwnTime {
    /// The time of this process's main thread, which is its only thread.
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
        let [running, waiting] = numbers(&text).unwrap_or_default();
        Self { running: Duration::from_nanos(running), waiting: Duration::from_nanos(waiting) }
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            running: self.running.saturating_sub(earlier.running),
            waiting: self.waiting.saturating_sub(earlier.waiting),
        }
    }
}

/// How many files this process may open.
pub(crate) fn most_open_files() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // The text may be `unlimited`, which is not a number.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX)
}

/// The first two numbers of a text.
fn numbers(text: &str) -> Option<[u64; 2]> {
    let mut numbers = text.split_whitespace();
    Some([numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(threads: &[(&str, u64)], ticks: u32) -> CpuReading {
        let by_thread = threads.iter().map(|(id, nanos)| ((*id).to_owned(), *nanos)).collect();
        CpuReading { by_thread, ticks: TICK * ticks }
    }

    #[test]
    fn threads_count_until_one_is_gone() {
        let earlier = reading(&[("1", 1_000_000), ("2", 5)], 2);
        let later = reading(&[("1", 9_000_000), ("2", 5), ("3", 7)], 3).since(&earlier);
        assert_eq!((later.spent, later.source), (Duration::from_nanos(8_000_007), Source::Threads));
        let without = reading(&[("1", 9_000_000)], 9).since(&earlier);
        assert_eq!((without.spent, without.source), (7 * TICK, Source::Ticks));
    }

    #[test]
    fn this_process_can_be_read() {
        let process = Process::new(std::process::id()).unwrap();
        assert!(process.memory().unwrap() > 100_000);
        assert!(process.cpu().is_ok());
        assert!(Process::new(u32::MAX).is_err());
        assert!(most_open_files() > 10);
    }
}
