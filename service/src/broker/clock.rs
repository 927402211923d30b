//! The clock of the broker, which all nodes share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The time of the broker: the clock of this machine, plus the difference to the broker's clock.
#[derive(Clone, Debug, Default)]
pub(super) struct BrokerClock(Arc<AtomicI64>);

impl BrokerClock {
    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        own().saturating_add_signed(self.0.load(Relaxed))
    }

    /// Notes an answer about the broker's clock. The question and the answer together took `took`.
    /// Probably the broker looked at its clock in the middle of this time.
    pub(super) fn set(&self, broker: u64, took: Duration) {
        let since = u64::try_from(took.as_millis() / 2).unwrap_or(0);
        let difference = i128::from(broker) + i128::from(since) - i128::from(own());
        self.0.store(i64::try_from(difference).unwrap_or(0), Relaxed);
    }
}

fn own() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_another_time_is_followed() {
        let clock = BrokerClock::default();
        for broker in [1_000, own() + 3_600_000, own()] {
            clock.set(broker, Duration::ZERO);
            assert!(clock.now().abs_diff(broker) < 5_000);
        }
        clock.set(own(), Duration::from_hours(2));
        assert!(clock.now().abs_diff(own() + 3_600_000) < 5_000);
    }
}
