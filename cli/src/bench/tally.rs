//! Counts the messages that arrived.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::stamp::Stamp;

/// The longest latency that is recorded as it is: an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// The counts of all connections together.
pub(super) struct Tally {
    /// Held only while one entry is made.
    counted: Mutex<Counted>,
    pub(super) expected: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) closed: AtomicU64,
}

struct Counted {
    latency: Histogram<u64>,
    second: Histogram<u64>,
    connecting: Histogram<u64>,
    seconds: Vec<Second>,
    begin: Instant,
    last_progress: Instant,
    delivered: u64,
    duplicates: u64,
    order_violations: u64,
    close_reason: Option<String>,
}

/// The latency of one second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second {
    pub(super) p50: u64,
    pub(super) p99: u64,
    pub(super) most: u64,
}

/// The messages that one connection got.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    senders: Vec<FromSender>,
}

#[derive(Debug, Default)]
struct FromSender {
    /// A bit for each number that arrived.
    came: Vec<u64>,
    /// One more than the highest number that arrived.
    next: u32,
}

/// How a message arrived at its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    New { in_order: bool },
    Again,
}

impl Inbox {
    fn take(&mut self, stamp: Stamp) -> Arrival {
        let sender = stamp.sender as usize;
        if self.senders.len() <= sender {
            self.senders.resize_with(sender + 1, FromSender::default);
        }
        let from = &mut self.senders[sender];
        let (word, bit) = (stamp.number as usize / 64, 1 << (stamp.number % 64));
        if from.came.len() <= word {
            from.came.resize(word + 1, 0);
        }
        if from.came[word] & bit != 0 {
            return Arrival::Again;
        }
        from.came[word] |= bit;
        let in_order = stamp.number >= from.next;
        from.next = from.next.max(stamp.number.saturating_add(1));
        Arrival::New { in_order }
    }
}

/// The counts at the end.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) delivered: u64,
    pub(super) duplicates: u64,
    pub(super) order_violations: u64,
    pub(super) close_reason: Option<String>,
    pub(super) latency: Histogram<u64>,
    pub(super) connecting: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            counted: Mutex::new(Counted {
                latency: histogram(),
                second: histogram(),
                connecting: histogram(),
                seconds: Vec::new(),
                begin: now,
                last_progress: now,
                delivered: 0,
                duplicates: 0,
                order_violations: 0,
                close_reason: None,
            }),
            expected: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            closed: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, begin: Instant) {
        let mut counted = self.lock();
        (counted.begin, counted.last_progress) = (begin, begin);
    }

    pub(super) fn connected(&self, took: Duration) {
        self.lock().connecting.saturating_record(micros(took));
    }

    pub(super) fn closed(&self, reason: String) {
        self.closed.fetch_add(1, Relaxed);
        self.lock().close_reason.get_or_insert(reason);
    }

    pub(super) fn take(&self, inbox: &mut Inbox, stamp: Stamp) {
        let arrival = inbox.take(stamp);
        let now = Instant::now();
        let mut counted = self.lock();
        counted.last_progress = now;
        match arrival {
            Arrival::Again => counted.duplicates += 1,
            Arrival::New { in_order } => {
                let since = micros(now.saturating_duration_since(counted.begin));
                let latency = since.saturating_sub(stamp.due).max(1);
                counted.delivered += 1;
                counted.order_violations += u64::from(!in_order);
                counted.latency.saturating_record(latency);
                counted.second.saturating_record(latency);
            }
        }
    }

    pub(super) fn last_progress(&self) -> Instant {
        self.lock().last_progress
    }

    pub(super) fn is_complete(&self) -> bool {
        self.lock().delivered >= self.expected.load(Relaxed)
    }

    /// Ends a second if it is over, and returns its line.
    pub(super) fn tick(&self, begin: Instant) -> Option<String> {
        let mut counted = self.lock();
        let seconds = begin.elapsed().as_secs() as usize;
        if counted.seconds.len() >= seconds {
            return None;
        }
        let second = Second {
            p50: counted.second.value_at_quantile(0.5),
            p99: counted.second.value_at_quantile(0.99),
            most: counted.second.max(),
        };
        let rate = counted.second.len();
        counted.seconds.push(second);
        counted.second.reset();
        let (p50, p99) = (second.p50 as f64 / 1000.0, second.p99 as f64 / 1000.0);
        let (delivered, expected) = (counted.delivered, self.expected.load(Relaxed));
        Some(format!(
            "{seconds:>5} s  {rate:>8} deliveries/s  p50 {p50:.1} ms  p99 {p99:.1} ms  {delivered} of {expected}"
        ))
    }

    pub(super) fn seconds(&self) -> Vec<Second> {
        self.lock().seconds.clone()
    }

    pub(super) fn counts(&self) -> Counts {
        let counted = self.lock();
        Counts {
            delivered: counted.delivered,
            duplicates: counted.duplicates,
            order_violations: counted.order_violations,
            close_reason: counted.close_reason.clone(),
            latency: counted.latency.clone(),
            connecting: counted.connecting.clone(),
        }
    }
}

#[expect(clippy::expect_used, reason = "the bounds are good ones")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("1 to an hour with 3 digits")
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_or_twice_is_seen() {
        let mut inbox = Inbox::default();
        let mut take = |sender, number| inbox.take(Stamp { run: 0, sender, number, due: 0 });
        assert_eq!(take(0, 0), Arrival::New { in_order: true });
        assert_eq!(take(0, 65), Arrival::New { in_order: true });
        assert_eq!(take(1, 3), Arrival::New { in_order: true });
        assert_eq!(take(0, 64), Arrival::New { in_order: false });
        assert_eq!(take(0, 65), Arrival::Again);
    }
}
