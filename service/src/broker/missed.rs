//! When the store has to be asked again, because frames about its changes were missed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The places in the queue of frames at which frames are missing. At such a place the store is
/// asked again. The frames before it are older than the answer, so they have to be carried out
/// first.
#[derive(Debug, Default)]
pub(super) struct Missed {
    // Held for short synchronous sections only.
    places: Mutex<Places>,
    raised: Notify,
}

#[derive(Debug, Default)]
struct Places {
    /// How many frames were put into the queue.
    queued: u64,
    /// The first place and the last one. A place in between needs no question of its own, because
    /// the one at the last place comes later.
    first: Option<u64>,
    last: Option<u64>,
}

impl Missed {
    /// Notes that a frame was put into the queue.
    pub(super) fn queued(&self) {
        self.lock().queued += 1;
    }

    /// Notes that frames are missing after those that were put into the queue.
    pub(super) fn raise(&self) {
        let mut places = self.lock();
        let here = places.queued;
        places.first.get_or_insert(here);
        places.last = Some(here);
        drop(places);
        self.raised.notify_one();
    }

    /// Whether frames are missing at this place or before it. The place then counts as done.
    pub(super) fn take(&self, place: u64) -> bool {
        let mut places = self.lock();
        let is_due = places.first.is_some_and(|first| first <= place);
        if is_due {
            places.first = places.last.filter(|last| *last > place);
            places.last = places.first;
        }
        is_due
    }

    /// Waits until more frames are missing.
    pub(super) async fn raised(&self) {
        self.raised.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_asked_at_the_first_place_and_at_the_last_one() {
        let missed = Missed::default();
        assert!(!missed.take(0));
        for _ in 0..3 {
            missed.queued();
            missed.raise();
        }
        let asked: Vec<bool> = (0..5).map(|place| missed.take(place)).collect();
        assert_eq!(asked, [false, true, false, true, false]);
    }
}
