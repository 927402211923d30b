//! Work that is done to its end, even if its caller goes away.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// Work on the task of its caller. If the caller goes away, the rest is done on a task of its own. Most
/// work has ended by then, and a task for each call would cost more than the work itself.
pub(super) struct ToTheEnd<F>(
    /// `None` when it is done.
    Option<Pin<Box<F>>>,
)
where
    F: Future<Output: Send> + Send + 'static;

impl<F> ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    pub(super) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F> Future for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // If the work panics, it is not continued when this is dropped.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<F> Drop for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        // At the end of the program there may be no runtime.
        if let (Some(rest), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{task::Waker, time::Duration};

    use tokio::{
        sync::{mpsc, oneshot},
        time::timeout,
    };

    use super::*;

    /// Work of two steps, the second of which waits until it may begin.
    fn work(
        steps: mpsc::UnboundedSender<u8>,
        may_go_on: oneshot::Receiver<()>,
    ) -> ToTheEnd<impl Future<Output = u8>> {
        ToTheEnd::new(async move {
            steps.send(1).unwrap();
            may_go_on.await.unwrap();
            steps.send(2).unwrap();
            3
        })
    }

    #[tokio::test]
    async fn the_rest_is_done_if_the_caller_goes_away() {
        let (done, mut steps) = mpsc::unbounded_channel();
        let (go_on, may_go_on) = oneshot::channel();
        let mut work = work(done, may_go_on);
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut work).poll(&mut context).is_pending());
        drop(work);
        go_on.send(()).unwrap();
        for step in [Some(1), Some(2), None] {
            assert_eq!(timeout(Duration::from_secs(30), steps.recv()).await.unwrap(), step);
        }
    }

    #[tokio::test]
    async fn a_caller_gets_the_result_and_the_work_is_done_once() {
        let (done, mut steps) = mpsc::unbounded_channel();
        let (go_on, may_go_on) = oneshot::channel();
        go_on.send(()).unwrap();
        assert_eq!(work(done, may_go_on).await, 3);
        for step in [Some(1), Some(2), None] {
            assert_eq!(timeout(Duration::from_secs(30), steps.recv()).await.unwrap(), step);
        }
    }
}
