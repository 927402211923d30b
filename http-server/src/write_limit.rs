//! Limits how long a caller may accept no bytes of its answer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

/// The time limit of one connection's writes. There is a timer only while the caller accepts no bytes.
#[derive(Debug)]
pub(crate) struct WriteLimit {
    time: Duration,
    end: Option<Pin<Box<Sleep>>>,
}

impl WriteLimit {
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, end: None }
    }

    /// Returns the result of an attempt to write. Returns an error if the caller has accepted no bytes
    /// for the whole time.
    pub(crate) fn check<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.end = None;
            return written;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(self.time)));
        end.as_mut().poll(cx).map(|()| {
            tracing::debug!(time = ?self.time, "the caller takes nothing of its answer");
            Err(io::ErrorKind::TimedOut.into())
        })
    }
}
