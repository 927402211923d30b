//! Slows failed logins down without locking anybody out.
//!
//! An attempt with a wrong key holds a place of its address for a while, so an address can guess only
//! slowly. A caller with the right key waits only for the attempts before it. Other addresses do not wait.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

/// How many attempts of one address are checked in one period.
const PLACES: usize = 4;
/// How long a wrong key holds its place, and its caller waits.
const WAIT: Duration = Duration::from_millis(250);
/// How many addresses are remembered. The address with the oldest attempt is removed first.
const MOST_ADDRESSES: usize = 1024;

/// The attempts of each address.
#[derive(Debug, Default)]
pub(super) struct Attempts(
    // Held for short synchronous sections only.
    Mutex<HashMap<IpAddr, Address>>,
);

#[derive(Debug)]
struct Address {
    places: Arc<Semaphore>,
    failures: u64,
    last: Instant,
}

impl Attempts {
    /// Checks a key when it is the caller's turn. Returns whether the key is right. For a wrong key it
    /// returns only after a while.
    pub(super) async fn attempt(&self, caller: IpAddr, is_right: impl FnOnce() -> bool) -> bool {
        let caller = network(caller);
        let places = self.places(caller);
        // The semaphore is never closed.
        let place = places.acquire_owned().await.ok();
        if is_right() {
            self.succeeded(caller);
            return true;
        }
        let failures = self.failed(caller);
        tracing::warn!(%caller, failures, "a login to the dashboard is refused: the key is wrong");
        hold(place);
        sleep(WAIT).await;
        false
    }

    fn places(&self, caller: IpAddr) -> Arc<Semaphore> {
        let mut all = self.lock();
        if !all.contains_key(&caller) && all.len() >= MOST_ADDRESSES {
            let oldest = all.iter().min_by_key(|(_, address)| address.last).map(|(ip, _)| *ip);
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        let address = all.entry(caller).or_insert_with(|| Address {
            places: Arc::new(Semaphore::new(PLACES)),
            failures: 0,
            last: Instant::now(),
        });
        address.last = Instant::now();
        Arc::clone(&address.places)
    }

    /// Notes a success. Other callers of the address may still wait, so its places stay.
    fn succeeded(&self, caller: IpAddr) {
        if let Some(address) = self.lock().get_mut(&caller) {
            address.failures = 0;
        }
    }

    fn failed(&self, caller: IpAddr) -> u64 {
        let mut all = self.lock();
        let Some(address) = all.get_mut(&caller) else { return 1 };
        address.failures = address.failures.saturating_add(1);
        address.failures
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Address>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the place for its full time, even if the caller leaves earlier. A caller that does not
/// wait for the answer must not be faster.
fn hold(place: Option<OwnedSemaphorePermit>) {
    tokio::spawn(async move {
        sleep(WAIT).await;
        drop(place);
    });
}

/// The network that counts as one caller: an address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn a_thousand_tries_take_a_minute_and_keep_nobody_out() {
        let attempts = Arc::new(Attempts::default());
        let start = Instant::now();
        let mut tries = JoinSet::new();
        for _ in 0..1000 {
            let attempts = Arc::clone(&attempts);
            tries.spawn(async move { attempts.attempt(HOME, || false).await });
        }
        // The owner comes from another address.
        sleep(Duration::from_millis(1)).await;
        let begin = Instant::now();
        assert!(attempts.attempt(IpAddr::from([10, 0, 0, 1]), || true).await);
        assert_eq!(begin.elapsed(), Duration::ZERO);
        while let Some(is_right) = tries.join_next().await {
            assert!(!is_right.unwrap());
        }
        assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
        // The owner comes from the same address.
        let begin = Instant::now();
        assert!(attempts.attempt(HOME, || true).await);
        assert!(begin.elapsed() <= WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_key_in_between_makes_guesses_no_faster() {
        let attempts = Arc::new(Attempts::default());
        let start = Instant::now();
        let mut tries = JoinSet::new();
        for number in 0..400 {
            let attempts = Arc::clone(&attempts);
            tries.spawn(async move { attempts.attempt(HOME, || number % 2 == 0).await });
        }
        let right = tries.join_all().await.into_iter().filter(|is_right| *is_right).count();
        assert_eq!(right, 200);
        assert!(start.elapsed() >= Duration::from_secs(12), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_leaves_is_no_faster() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for _ in 0..100 {
            let tried = std::cell::Cell::new(false);
            let attempt = attempts.attempt(HOME, || {
                tried.set(true);
                false
            });
            let mut attempt = std::pin::pin!(attempt);
            while !tried.get() {
                let moment = sleep(Duration::from_millis(1));
                tokio::select! { _ = &mut attempt => {}, () = moment => {} }
            }
        }
        assert!(start.elapsed() >= Duration::from_secs(6), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn few_addresses_are_remembered() {
        let attempts = Arc::new(Attempts::default());
        let mut tries = JoinSet::new();
        for number in 0..10_000u32 {
            let attempts = Arc::clone(&attempts);
            tries.spawn(async move {
                attempts.attempt(IpAddr::from(number.to_be_bytes()), || false).await
            });
        }
        tries.join_all().await;
        assert_eq!(attempts.lock().len(), MOST_ADDRESSES);
        let neighbours = ["2001:db8::1", "2001:db8::2"].map(|text| network(text.parse().unwrap()));
        assert_eq!(neighbours[0], neighbours[1]);
    }
}
