//! The viewers. Each has a bounded queue and a limited number of events per time slice.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

use super::{event::Event, filter::Filter};

/// How many viewers may watch at the same time.
pub(super) const MOST_VIEWERS: usize = 8;
/// The length of a time slice, and how many events a viewer gets in it. No viewer can read more.
const SLICE: Duration = Duration::from_millis(100);
const SHARE: u32 = 50;
/// How many events wait for a viewer.
const QUEUE: usize = 1024;
/// How often a viewer learns how many events were left out.
const LOOK: Duration = Duration::from_secs(1);

/// All viewers.
#[derive(Debug, Default)]
pub(super) struct Viewers {
    /// How many viewers there are. It is read without the lock.
    count: AtomicUsize,
    // Held for short synchronous sections only.
    all: Mutex<Vec<Viewer>>,
}

/// The sending end of a viewer.
#[derive(Debug)]
struct Viewer {
    id: Arc<()>,
    filter: Filter,
    queue: mpsc::Sender<Arc<str>>,
    left_out: Arc<AtomicU64>,
    slice: Instant,
    shown: u32,
}

/// The reading end of a viewer. Dropping it ends the watch.
#[derive(Debug)]
pub(crate) struct Watching {
    id: Arc<()>,
    queue: mpsc::Receiver<Arc<str>>,
    left_out: Arc<AtomicU64>,
    looks: Interval,
    viewers: Arc<Viewers>,
}

/// An item for a viewer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An event as JSON.
    Event(Arc<str>),
    /// How many events of the last second are not shown. It comes every second, so that a viewer
    /// knows that the trace is alive.
    LeftOut(u64),
}

impl Viewers {
    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// Shows an event to the viewers that want it.
    pub(super) fn show(&self, event: &Event<'_>) {
        let mut text = None;
        for viewer in self.lock().iter_mut() {
            viewer.show(event, &mut text);
        }
    }

    /// Begins a watch, if one more viewer is allowed.
    pub(super) fn watch(viewers: &Arc<Self>, filter: Filter) -> Option<Watching> {
        let mut all = viewers.lock();
        if all.len() >= MOST_VIEWERS {
            return None;
        }
        let (sender, queue) = mpsc::channel(QUEUE);
        let (id, left_out) = (Arc::new(()), Arc::new(AtomicU64::new(0)));
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        all.push(Viewer {
            id: Arc::clone(&id),
            filter,
            queue: sender,
            left_out: Arc::clone(&left_out),
            slice: Instant::now(),
            shown: 0,
        });
        viewers.count.store(all.len(), Relaxed);
        Some(Watching { id, queue, left_out, looks, viewers: Arc::clone(viewers) })
    }

    /// Ends every watch.
    pub(super) fn end(&self) {
        self.keep(|_| false);
    }

    fn keep(&self, is_kept: impl Fn(&Viewer) -> bool) {
        let mut all = self.lock();
        all.retain(is_kept);
        self.count.store(all.len(), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Viewer>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    /// Shows an event, if it is wanted and there is room. `text` is the event's JSON, after it was
    /// made once.
    fn show(&mut self, event: &Event<'_>, text: &mut Option<Arc<str>>) {
        if !self.filter.takes(event) {
            return;
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.slice) >= SLICE {
            (self.slice, self.shown) = (now, 0);
        }
        let has_room = self.shown < SHARE && self.queue.capacity() > 0;
        let mut text = || Arc::clone(text.get_or_insert_with(|| event.to_json().into()));
        if has_room && self.queue.try_send(text()).is_ok() {
            self.shown += 1;
        } else {
            self.left_out.fetch_add(1, Relaxed);
        }
    }
}

impl Watching {
    /// The next item; `None` if the trace has ended.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        tokio::select! {
            biased;
            _ = self.looks.tick() => Some(Seen::LeftOut(self.left_out.swap(0, Relaxed))),
            event = self.queue.recv() => event.map(Seen::Event),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.viewers.keep(|viewer| !Arc::ptr_eq(&viewer.id, &self.id));
    }
}
