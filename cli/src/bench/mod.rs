//! `signalr bench`: puts load on any SignalR service and measures the result.

mod arguments;
mod crowd;
mod plot;
mod process;
mod report;
mod senders;
mod stamp;
mod tally;

use std::{ffi::OsString, sync::Arc, time::Duration};

use signalr_http_server::EndSignals;
use tokio::time::{Instant, interval, timeout};

pub(crate) use self::arguments::Bench;
use self::{crowd::Crowd, process::Process, report::Report, senders::Senders, tally::Tally};
use crate::{failure::Failure, print};

/// The most deliveries. The record of received messages needs one bit for each of them.
const MOST_DELIVERIES: u64 = 1 << 33;
/// How long to wait for further messages after the last progress.
const PATIENCE: Duration = Duration::from_secs(5);

impl Bench {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let deliveries =
            u64::from(self.connections) * u64::from(self.rate) * u64::from(self.duration);
        if deliveries > MOST_DELIVERIES {
            return Err(Failure::Configuration(format!(
                "--connections times --rate times --duration is {deliveries}, more than {MOST_DELIVERIES}; use less of one"
            )));
        }
        let signals = EndSignals::listen()?;
        let mut outcome = Ok(());
        signals
            .run(|ending| async {
                outcome = tokio::select! {
                    done = self.measure(&environment) => done,
                    () = ending => Ok(()),
                };
            })
            .await?;
        outcome
    }

    async fn measure(
        &self,
        environment: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        crate::open_files::raise_limit()?;
        let process = self.pid.map(Process::new).transpose()?;
        let tally = Arc::new(Tally::new());
        let memory = process.as_ref().map(Process::memory).transpose()?;
        let crowd = Crowd::connect(self, environment, &tally).await?;
        let memory = process.as_ref().map(Process::memory).transpose()?.zip(memory);
        let cpu = process.as_ref().map(Process::cpu).transpose()?;
        let own = Process::own().cpu().ok();
        let begin = Instant::now();
        tally.begin(begin);
        let senders = Senders::start(self, &crowd, &tally, begin);
        let sent = {
            let ended = senders.ended();
            tokio::pin!(ended);
            let mut second = interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    ended = &mut ended => break ended,
                    _ = second.tick() => progress(&tally, begin),
                }
            }
        };
        let sent = sent?;
        self.await_the_last(&tally, begin).await;
        let report = Report::new(report::Measured {
            bench: self,
            tally: &tally,
            sent,
            took: tally.last_progress().saturating_duration_since(begin),
            own: own
                .zip(Process::own().cpu().ok())
                .map(|(before, after)| after.saturating_sub(before)),
            cpu: match (&process, cpu) {
                (Some(process), Some(before)) => Some(process.cpu()?.saturating_sub(before)),
                _ => None,
            },
            memory: memory.map(|(after, before)| after.saturating_sub(before)),
        });
        crowd.close().await;
        if let Some(file) = &self.plot {
            plot::draw(file, &tally.seconds())?;
        }
        if self.json {
            print::json(&report)?
        } else {
            print::line(report.to_string().trim_end())?
        }
        report.verdict()
    }

    /// Waits until all sent messages have arrived, or until no more arrive.
    async fn await_the_last(&self, tally: &Tally, begin: Instant) {
        let mut second = interval(Duration::from_secs(1));
        while !tally.is_complete() {
            let until = tally.last_progress().max(begin) + PATIENCE;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // Either a second is over, or it is time to look again.
            let _ = timeout(left.min(Duration::from_millis(50)), second.tick()).await;
            progress(tally, begin);
        }
    }
}

fn progress(tally: &Tally, begin: Instant) {
    use std::io::{IsTerminal, Write};
    let line = tally.tick(begin);
    let mut out = std::io::stderr().lock();
    // The run continues if its progress cannot be printed.
    let _ = match line {
        Some(line) if out.is_terminal() => write!(out, "\r{line}\x1b[K").and_then(|()| out.flush()),
        Some(line) => writeln!(out, "{line}"),
        None => Ok(()),
    };
}
