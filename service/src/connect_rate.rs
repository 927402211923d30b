//! How many clients may connect in a second.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A bucket that fills at the rate, and holds what may come in one second.
#[derive(Debug)]
pub(crate) struct ConnectRate {
    per_second: NonZeroU32,
    // Held for short synchronous sections only.
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// How many may connect at once, and parts of one.
    left: f64,
    filled: Instant,
}

impl ConnectRate {
    pub(crate) fn new(per_second: NonZeroU32, now: Instant) -> Self {
        let bucket = Bucket { left: per_second.get().into(), filled: now };
        Self { per_second, bucket: Mutex::new(bucket) }
    }

    /// Whether one more may connect now.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let rate = f64::from(self.per_second.get());
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.checked_duration_since(bucket.filled).unwrap_or(Duration::ZERO);
        bucket.left = (bucket.left + passed.as_secs_f64() * rate).min(rate);
        bucket.filled = bucket.filled.max(now);
        let may = bucket.left >= 1.0;
        if may {
            bucket.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connect_than_the_rate_says() {
        let start = Instant::now();
        let rate = ConnectRate::new(NonZeroU32::new(10).unwrap(), start);
        let taken = |times: u32, now| (0..times).filter(|_| rate.take(now)).count();
        assert_eq!(taken(30, start), 10);
        assert_eq!(taken(30, start + Duration::from_millis(50)), 0);
        assert_eq!(taken(30, start + Duration::from_millis(550)), 5);
        // An hour without a client does not save up for more than a second.
        assert_eq!(taken(30, start + Duration::from_secs(3600)), 10);
        assert_eq!(taken(30, start), 0);
    }
}
