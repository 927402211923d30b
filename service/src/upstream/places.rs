//! How many requests may be under way, apart for each upstream, so that one that hangs takes no place
//! from another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// The places of all upstreams. An upstream is a scheme, a host and a port; it is here for as long as
/// something is under way to it or waits for it.
#[derive(Debug)]
pub(super) struct Places {
    /// How many each upstream has.
    each: usize,
    // Held for short synchronous sections only.
    upstreams: Mutex<HashMap<String, Upstream>>,
}

#[derive(Debug)]
struct Upstream {
    places: Arc<Semaphore>,
    /// How many requests are under way or wait.
    requests: usize,
}

/// A place among those of one upstream. It is free for another when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    _permit: Option<OwnedSemaphorePermit>,
    _visit: Visit<'a>,
}

/// A request that is under way or waits.
#[derive(Debug)]
struct Visit<'a> {
    places: &'a Places,
    upstream: String,
}

impl Places {
    pub(super) fn new(each: usize) -> Self {
        Self { each: each.min(Semaphore::MAX_PERMITS), upstreams: Mutex::default() }
    }

    /// Waits for a place of the upstream that has this URL.
    pub(super) async fn take(&self, url: &Url) -> Place<'_> {
        let (visit, places) = self.visit(url);
        // It is never closed, so there is always a permit.
        Place { _permit: places.acquire_owned().await.ok(), _visit: visit }
    }

    fn visit(&self, url: &Url) -> (Visit<'_>, Arc<Semaphore>) {
        let name = url.origin().ascii_serialization();
        let mut upstreams = self.lock();
        let upstream = upstreams.entry(name.clone()).or_insert_with(|| Upstream {
            places: Arc::new(Semaphore::new(self.each)),
            requests: 0,
        });
        upstream.requests += 1;
        (Visit { places: self, upstream: name }, Arc::clone(&upstream.places))
    }

    /// How many upstreams have something under way.
    #[cfg(test)]
    pub(super) fn upstreams(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upstream>> {
        self.upstreams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut upstreams = self.places.lock();
        let Some(upstream) = upstreams.get_mut(&self.upstream) else { return };
        upstream.requests = upstream.requests.saturating_sub(1);
        if upstream.requests == 0 {
            upstreams.remove(&self.upstream);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_whose_places_are_taken_takes_none_of_another() {
        let places = Places::new(2);
        let hanging = url("http://hanging/api/a?code=1");
        let _taken = [places.take(&hanging).await, places.take(&url("http://hanging/b")).await];
        let waits = timeout(Duration::from_secs(1), places.take(&hanging)).await;
        assert!(waits.is_err());
        for healthy in ["http://healthy/", "https://hanging/", "http://hanging:81/"] {
            let taken = timeout(Duration::from_secs(1), places.take(&url(healthy))).await;
            assert!(taken.is_ok(), "{healthy}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_upstreams_that_nothing_is_under_way_to() {
        let places = Places::new(1);
        for number in 0..1000 {
            let url = url(&format!("http://host{number}/"));
            let taken = places.take(&url).await;
            assert!(timeout(Duration::from_secs(1), places.take(&url)).await.is_err());
            drop(taken);
        }
        assert_eq!(places.upstreams(), 0);
    }
}
