//! Limits the events of each upstream, so that an upstream that hangs takes no place from another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// The places of all upstreams, and the bytes that wait for them. An upstream is a scheme, a host
/// and a port. It is in the table while an event waits for it or is under way to it. Each event
/// counts some bytes, so the bound on bytes also bounds the table.
#[derive(Debug)]
pub(super) struct Places {
    /// How many requests may run to each upstream.
    each: usize,
    /// How many bytes may wait in all.
    max_bytes: usize,
    // Held for short synchronous sections only.
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    upstreams: HashMap<String, Upstream>,
    /// How many bytes all upstreams have.
    bytes: usize,
}

#[derive(Debug)]
struct Upstream {
    requests: Arc<Semaphore>,
    /// How many events wait or are under way.
    events: usize,
    bytes: usize,
}

/// The permission of one event to wait for its upstream and to keep its own and its answer's bytes
/// in memory. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    places: Arc<Places>,
    upstream: String,
    requests: Arc<Semaphore>,
    bytes: usize,
}

impl Places {
    pub(super) fn new(each: usize, max_bytes: usize) -> Self {
        Self { each: each.min(Semaphore::MAX_PERMITS), max_bytes, table: Mutex::default() }
    }

    /// Lets an event wait for the upstream of this URL; `None` if too many bytes wait already. One
    /// upstream may use as many bytes as it leaves free for the others. If only one hangs, it gets
    /// half of all.
    pub(super) fn admit(self: &Arc<Self>, url: &Url, bytes: usize) -> Option<Admitted> {
        let name = url.origin().ascii_serialization();
        let mut table = self.lock();
        let others = table.bytes;
        let own = table.upstreams.get(&name).map_or(0, |upstream| upstream.bytes);
        let free = self.max_bytes.saturating_sub(others).saturating_sub(bytes);
        if own.saturating_add(bytes) > free {
            return None;
        }
        table.bytes = table.bytes.saturating_add(bytes);
        let upstream = table.upstreams.entry(name.clone()).or_insert_with(|| Upstream {
            requests: Arc::new(Semaphore::new(self.each)),
            events: 0,
            bytes: 0,
        });
        upstream.events = upstream.events.saturating_add(1);
        upstream.bytes = upstream.bytes.saturating_add(bytes);
        let requests = Arc::clone(&upstream.requests);
        Some(Admitted { places: Arc::clone(self), upstream: name, requests, bytes })
    }

    /// How many bytes wait for all upstreams.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// How many events wait or are under way.
    pub(super) fn events(&self) -> usize {
        self.lock().upstreams.values().fold(0, |sum, one| sum.saturating_add(one.events))
    }

    /// How many bytes may wait.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// How many upstreams have waiting or running events.
    #[cfg(test)]
    pub(super) fn upstreams(&self) -> usize {
        self.lock().upstreams.len()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// Waits until a request to the upstream may begin. When the result is dropped, the next
    /// request may begin.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so there is always a permit.
        Arc::clone(&self.requests).acquire_owned().await.ok()
    }

    /// Counts further bytes of the answer. Returns whether they may be held.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let mut table = self.places.lock();
        let others = table.bytes;
        let Some(upstream) = table.upstreams.get_mut(&self.upstream) else { return false };
        let free = self.places.max_bytes.saturating_sub(others).saturating_sub(bytes);
        if upstream.bytes.saturating_add(bytes) > free {
            return false;
        }
        upstream.bytes = upstream.bytes.saturating_add(bytes);
        table.bytes = table.bytes.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        true
    }

    /// The answer. Its bytes count until its last copy is dropped.
    pub(super) fn hand_over(self, answer: Bytes) -> Bytes {
        Bytes::from_owner(HandedOver { answer, _admitted: self })
    }
}

struct HandedOver {
    answer: Bytes,
    _admitted: Admitted,
}

impl AsRef<[u8]> for HandedOver {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut table = self.places.lock();
        table.bytes = table.bytes.saturating_sub(self.bytes);
        let Some(upstream) = table.upstreams.get_mut(&self.upstream) else { return };
        upstream.bytes = upstream.bytes.saturating_sub(self.bytes);
        upstream.events = upstream.events.saturating_sub(1);
        if upstream.events == 0 {
            table.upstreams.remove(&self.upstream);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn places(each: usize, max_bytes: usize) -> Arc<Places> {
        Arc::new(Places::new(each, max_bytes))
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_whose_places_are_taken_takes_none_of_another() {
        let places = places(2, 1000);
        let admitted = |text: &str| places.admit(&url(text), 1).unwrap();
        let hanging =
            ["http://hanging/api/a?code=1", "http://hanging/b", "http://hanging"].map(admitted);
        let _taken = [hanging[0].place().await, hanging[1].place().await];
        assert!(timeout(PATIENCE, hanging[2].place()).await.is_err());
        for healthy in ["http://healthy/", "https://hanging/", "http://hanging:81/"] {
            let admitted = admitted(healthy);
            assert!(timeout(PATIENCE, admitted.place()).await.is_ok(), "{healthy}");
        }
    }

    #[test]
    fn an_upstream_leaves_as_many_bytes_free_as_it_has() {
        let places = places(1, 1000);
        let fill = |text: &str| -> Vec<Admitted> {
            std::iter::from_fn(|| places.admit(&url(text), 10)).collect()
        };
        let first = fill("http://first/");
        assert_eq!(first.len(), 50);
        let second = fill("http://second/");
        assert_eq!(second.len(), 25);
        assert!(places.admit(&url("http://third/"), 10).is_some());
        assert!(places.admit(&url("http://third/"), 1000).is_none());
        drop((first, second));
        assert_eq!(fill("http://second/").len(), 50);
    }

    #[test]
    fn answers_count_until_nobody_has_them() {
        let places = places(1, 1000);
        let url = url("http://one/");
        let [mut first, mut second] = [(); 2].map(|()| places.admit(&url, 50).unwrap());
        assert!(first.grow(300) && !second.grow(101) && second.grow(100));
        drop(second);
        let answer = first.hand_over(Bytes::from(vec![0; 300]));
        let part = answer.slice(1..2);
        drop(answer);
        assert_eq!((places.upstreams(), places.bytes()), (1, 350));
        drop(part);
        assert_eq!((places.upstreams(), places.bytes()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_stays_of_upstreams_that_nothing_waits_for() {
        let places = places(1, 1000);
        for number in 0..1000 {
            let url = url(&format!("http://host{number}/"));
            let [one, other] = [(); 2].map(|()| places.admit(&url, 100).unwrap());
            let taken = one.place().await;
            assert!(timeout(PATIENCE, other.place()).await.is_err());
            drop(taken);
        }
        assert_eq!((places.upstreams(), places.bytes()), (0, 0));
    }
}
