//! Sends one request again and again. Each request in flight has its own connection.

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::{arguments::CallsPlan, failure::Failure, publisher::Publisher, report::CallsReport};

/// The load looks at the clock at least this often.
const LONGEST_TURN: Duration = Duration::from_millis(100);
/// Calls before the measurement. During these calls a server can compile its code or fill its caches.
const WARM_UP: u64 = 2_000;

pub(crate) fn run(plan: &CallsPlan) -> Result<CallsReport, Failure> {
    let mut caller = Caller::new(plan)?;
    caller.call(WARM_UP.min(plan.count))?;
    let started = Instant::now();
    let ((), cpu) = plan.processes.measured(|| caller.call(plan.count))?;
    let took = started.elapsed();
    let most_memory = plan.processes.most_memory()?;
    Ok(CallsReport::new(plan.count, took, cpu.as_ref(), most_memory))
}

struct Caller<'a> {
    plan: &'a CallsPlan,
    poll: Poll,
    publishers: Vec<Publisher>,
}

impl<'a> Caller<'a> {
    fn new(plan: &'a CallsPlan) -> Result<Self, Failure> {
        let poll = Poll::new().map_err(|error| Failure::own(&error))?;
        let publishers = (0..plan.in_flight).map(|index| Publisher::new(Token(index))).collect();
        Ok(Self { plan, poll, publishers })
    }

    fn call(&mut self, count: u64) -> Result<(), Failure> {
        let (mut sent, mut answered) = (0, 0);
        let mut events = Events::with_capacity(1024);
        for index in 0..self.publishers.len() {
            self.send(index, &mut sent, count)?;
        }
        while answered < count {
            self.poll.poll(&mut events, Some(LONGEST_TURN)).or_else(|error| {
                match error.kind() {
                    std::io::ErrorKind::Interrupted => Ok(()),
                    _ => Err(Failure::own(&error)),
                }
            })?;
            let now = Instant::now();
            for event in &events {
                let Token(index) = event.token();
                if self.publishers[index].look()?.is_some() {
                    answered += 1;
                    self.send(index, &mut sent, count)?;
                }
            }
            for publisher in &self.publishers {
                publisher.check_time(now, self.plan.timeout)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize, sent: &mut u64, count: u64) -> Result<(), Failure> {
        if *sent == count {
            return Ok(());
        }
        let CallsPlan { endpoint, request, timeout, .. } = self.plan;
        let numbered = (*sent, request.clone());
        self.publishers[index].send(endpoint, self.poll.registry(), *timeout, numbered)?;
        *sent += 1;
        Ok(())
    }
}
