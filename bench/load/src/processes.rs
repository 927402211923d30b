//! The processes of a server: one, or those of a cluster.

use std::time::Duration;

use crate::{
    failure::Failure,
    process::{CpuReading, CpuTime, Process, Source},
};

/// In the order of the flags that name them.
#[derive(Debug)]
pub(crate) struct Processes(Vec<Process>);

/// The CPU time of each process, in the same order.
#[derive(Debug)]
pub(crate) struct CpuTimes(Vec<CpuTime>);

impl Processes {
    pub(crate) fn new(pids: &[u32]) -> Result<Self, Failure> {
        pids.iter().map(|pid| Process::new(*pid)).collect::<Result<_, _>>().map(Self)
    }

    /// The memory that each holds, in bytes.
    pub(crate) fn memory(&self) -> Result<Vec<u64>, Failure> {
        self.0.iter().map(Process::memory).collect()
    }

    /// The most memory that each ever held, added up; `None` if there are none.
    pub(crate) fn most_memory(&self) -> Result<Option<u64>, Failure> {
        let each: Vec<u64> = self.0.iter().map(Process::most_memory).collect::<Result<_, _>>()?;
        Ok((!each.is_empty()).then(|| each.iter().sum()))
    }

    /// Does something and reads what CPU time that cost; `None` if there are no processes.
    pub(crate) fn measured<T>(
        &self,
        action: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Option<CpuTimes>), Failure> {
        let before = self.cpu()?;
        let done = action()?;
        let after = self.cpu()?;
        let spent = after.iter().zip(&before).map(|(after, before)| after.since(before));
        let times = CpuTimes(spent.collect());
        Ok((done, (!self.0.is_empty()).then_some(times)))
    }

    fn cpu(&self) -> Result<Vec<CpuReading>, Failure> {
        self.0.iter().map(Process::cpu).collect()
    }
}

impl CpuTimes {
    pub(crate) fn sum(&self) -> Duration {
        self.0.iter().map(|time| time.spent).sum()
    }

    /// The coarsest source of all.
    pub(crate) fn source(&self) -> Source {
        let is_coarse = self.0.iter().any(|time| time.source == Source::Ticks);
        if is_coarse { Source::Ticks } else { Source::Threads }
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = Duration> {
        self.0.iter().map(|time| time.spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_spend_is_added_up() {
        let own = std::process::id();
        let processes = Processes::new(&[own, own]).unwrap();
        let memory = processes.memory().unwrap();
        assert!(memory.len() == 2 && processes.most_memory().unwrap() >= Some(memory[0]));
        let work = || Ok((0..10_000_000_u64).fold(0, std::hint::black_box(u64::max)));
        let (_, times) = processes.measured(work).unwrap();
        let times = times.unwrap();
        assert_eq!(times.each().sum::<Duration>(), times.sum());
        assert_eq!(times.each().count(), 2);
        assert!(Processes::new(&[own, u32::MAX]).is_err());
        let (_, none) = Processes::new(&[]).unwrap().measured(|| Ok(())).unwrap();
        assert!(none.is_none());
    }
}
