//! The time limit for the head of a request, separate from the time between requests.
//!
//! The HTTP library has one time limit for both. It starts a timer when it begins to wait for a
//! head, and polls the timer again after each read. The socket reports to this timer that bytes have
//! arrived. From then on the limit for a head applies.
//!
//! A head may begin while the answer before it is still being written. Its first bytes then come
//! before the timer starts, so only the time between requests limits it. Such a head costs no more
//! than an idle connection.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

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
}

impl HeadTimer {
    pub(crate) fn new(head_time: Duration, arrived: Arrived) -> Self {
        Self { head_time, arrived }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.arrived.forget();
        Box::pin(HeadSleep {
            end: Box::pin(tokio::time::sleep_until(deadline.into())),
            head_time: self.head_time,
            has_begun: false,
            arrived: self.arrived.clone(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct HeadSleep {
    end: Pin<Box<tokio::time::Sleep>>,
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
            let end = tokio::time::Instant::now() + self.head_time;
            self.end.as_mut().reset(end);
        }
        self.end.as_mut().poll(cx)
    }
}
