//! Real sockets with a paused clock.
//!
//! A paused clock jumps to the next time limit when every task waits. It does not know that bytes
//! are on their way through the system, so it may jump too early.

use std::{
    future::poll_fn,
    pin::pin,
    time::{Duration, Instant},
};

/// The system's own work takes no longer than this, by the real clock.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does `work` at one instant of the paused clock. While `work` waits for the system, no time passes.
pub(crate) async fn at_one_instant<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let start = Instant::now();
    poll_fn(|context| {
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            assert!(start.elapsed() < PATIENCE, "the system is still at it");
            // The clock jumps only if no task has been woken, so this keeps it still.
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}
