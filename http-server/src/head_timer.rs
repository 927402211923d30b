//! The time limit for the head of a request, separate from the time between requests.
//!
//! The HTTP library has one time limit for both. It makes a timer when it begins to wait for a head,
//! polls the timer again after each read, and drops it at the end of the head. The socket reports to
//! this timer that bytes have arrived. From then on the limit for a head applies.
//!
//! A head may begin while the answer before it is still being written. Its first bytes then come
//! before the timer starts, so only the time between requests limits it. Such a head costs no more
//! than an idle connection.
//!
//! The runtime's timer is made once for each connection and kept between requests. It goes off too
//! early if the time limit has moved meanwhile, and is then set to the new end. So a request does not
//! change the runtime's list of timers, which all threads share.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// Whether bytes have come from the caller since the last wait for them began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrived(Arc<AtomicBool>);

// The same task reads and waits, so no memory order is needed.
impl Arrived {
    pub(crate) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The timer of one connection.
#[derive(Debug)]
pub(crate) struct HeadTimer {
    head_time: Duration,
    arrived: Arrived,
    alarm: Alarm,
}

impl HeadTimer {
    pub(crate) fn new(head_time: Duration, arrived: Arrived) -> Self {
        Self { head_time, arrived, alarm: Alarm::default() }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.arrived.forget();
        Box::pin(HeadSleep {
            end: deadline.into(),
            alarm: self.alarm.clone(),
            head_time: self.head_time,
            has_begun: false,
            arrived: self.arrived.clone(),
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }
}

struct HeadSleep {
    end: time::Instant,
    alarm: Alarm,
    head_time: Duration,
    /// Whether the first byte of the head has come.
    has_begun: bool,
    arrived: Arrived,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.arrived.is_noted() {
            self.has_begun = true;
            self.end = time::Instant::now() + self.head_time;
        }
        self.alarm.poll_until(self.end, cx)
    }
}

/// The runtime's timer of one connection; `None` before its first use. Clones share it.
#[derive(Clone, Debug, Default)]
struct Alarm(
    // Only the task of the connection uses it, so nothing waits for the lock.
    Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>,
);

impl Alarm {
    /// Ready at `end`. Until then the timer may wake the task earlier, for an end that no longer counts.
    fn poll_until(&self, end: time::Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = sleep.get_or_insert_with(|| Box::pin(time::sleep_until(end)));
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        ready!(sleep.as_mut().poll(cx));
        if sleep.deadline() < end {
            sleep.as_mut().reset(end);
            return sleep.as_mut().poll(cx);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Waker};

    use super::*;

    const IDLE: Duration = Duration::from_secs(75);

    /// The time until the timer of a wait goes off, in seconds.
    async fn seconds(sleep: &mut Pin<Box<dyn Sleep>>) -> u64 {
        let begin = time::Instant::now();
        sleep.as_mut().await;
        begin.elapsed().as_secs()
    }

    fn timer() -> (HeadTimer, Arrived) {
        let arrived = Arrived::default();
        (HeadTimer::new(Duration::from_secs(10), arrived.clone()), arrived)
    }

    fn is_pending(sleep: &mut Pin<Box<dyn Sleep>>) -> bool {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_its_own_end() {
        let (timer, arrived) = timer();
        for _ in 0..3 {
            let mut wait = timer.sleep(IDLE);
            assert!(is_pending(&mut wait));
            time::advance(Duration::from_secs(60)).await;
            drop(wait);
            // The next wait ends by its own time and not by the timer of the wait before.
            assert_eq!(seconds(&mut timer.sleep(IDLE)).await, 75);
            let mut head = timer.sleep(IDLE);
            assert!(is_pending(&mut head));
            arrived.note();
            assert_eq!(seconds(&mut head).await, 10);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_in_quick_succession_share_one_timer() {
        let (timer, arrived) = timer();
        let set_to = || timer.alarm.0.lock().unwrap().as_ref().map(|sleep| sleep.deadline());
        assert!(is_pending(&mut timer.sleep(IDLE)));
        let first = set_to();
        for _ in 0..10 {
            time::advance(Duration::from_secs(1)).await;
            let mut wait = timer.sleep(IDLE);
            assert!(is_pending(&mut wait));
            assert_eq!(set_to(), first);
        }
        let mut head = timer.sleep(IDLE);
        arrived.note();
        poll_fn(|cx| head.as_mut().poll(cx)).await;
        assert!(set_to() < first);
    }
}
