//! An event stream: the end of the shard, and the end of the client, which is the body of a
//! response.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use super::transport::QueueFull;
use crate::budget::{QueueBudget, Share};

/// A comment. Some browsers report an open stream only after they get it.
const GREETING: &[u8] = b":\r\n";

/// Messages as one event. A line break between the parts of a message begins another line of the
/// event. The strings of a message contain no line breaks.
pub(crate) fn event(messages: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(messages.len() + 16);
    for line in messages.split(|byte| *byte == b'\n') {
        event.extend_from_slice(b"data: ");
        event.extend(line.iter().filter(|byte| **byte != b'\r'));
        event.extend_from_slice(b"\r\n");
    }
    event.extend_from_slice(b"\r\n");
    event.into()
}

/// A new stream, which begins with a comment.
pub(crate) fn channel(budget: &QueueBudget) -> (EventSink, EventBody) {
    let state = State {
        events: [Bytes::from_static(GREETING)].into(),
        share: budget.share(),
        is_writing: false,
        has_ended: false,
        is_gone: false,
        body: None,
        sink: None,
    };
    let stream = Stream(Arc::new(Mutex::new(state)));
    (EventSink(stream.clone()), EventBody(stream))
}

/// The shard's end of an event stream. If it is dropped, the waiting events are dropped too.
#[derive(Debug)]
pub(crate) struct EventSink(Stream);

/// The client's end of an event stream.
#[derive(Debug)]
pub(crate) struct EventBody(Stream);

#[derive(Clone, Debug)]
struct Stream(
    // Held for short synchronous sections only.
    Arc<Mutex<State>>,
);

#[derive(Debug)]
struct State {
    events: VecDeque<Bytes>,
    /// The bytes of the waiting events, without the greeting.
    share: Share,
    /// Whether the HTTP library has an event that it has not written yet. It would take many
    /// events, and events that it has taken cannot be dropped.
    is_writing: bool,
    /// Whether the stream ends when all waiting events are taken.
    has_ended: bool,
    /// Whether the response has ended, for any reason.
    is_gone: bool,
    /// Wakes the response.
    body: Option<Waker>,
    /// Wakes the shard.
    sink: Option<Waker>,
}

impl EventSink {
    /// Queues an event for the response. A single event may be larger than the bound; only the
    /// events after it are limited.
    pub(crate) fn send(&self, event: &Bytes, max_queued: usize) -> Result<(), QueueFull> {
        let mut state = self.0.lock();
        if state.has_ended || state.is_gone {
            return Ok(());
        }
        let queued = state.share.bytes();
        if queued > 0 && queued.saturating_add(event.len()) > max_queued {
            return Err(QueueFull);
        }
        state.share.add(event.len());
        state.events.push_back(event.clone());
        wake(&mut state.body);
        Ok(())
    }

    /// Drops the events that the response has not taken yet.
    pub(crate) fn drop_queued(&self) {
        self.0.lock().drop_queued();
    }

    /// How many bytes wait.
    pub(crate) fn queued(&self) -> usize {
        self.0.lock().share.bytes()
    }

    /// Ends the stream when all waiting events are taken.
    pub(crate) fn end(&self) {
        let mut state = self.0.lock();
        state.has_ended = true;
        wake(&mut state.body);
    }

    /// Is ready when the response has ended: by its client, or after [`end`](Self::end).
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.is_gone {
            return Poll::Ready(());
        }
        state.sink = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        self.drop_queued();
        self.end();
        // The task that waits for the end must stop, because nothing uses the stream any more.
        wake(&mut self.0.lock().sink);
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_gone = true;
        state.drop_queued();
        wake(&mut state.sink);
    }
}

impl State {
    fn drop_queued(&mut self) {
        self.events = VecDeque::new();
        self.share.remove(usize::MAX);
    }
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut state = self.0.lock();
        if state.is_writing {
            state.body = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(event) = state.events.pop_front() {
            state.is_writing = true;
            // The bytes of the greeting are not counted.
            let share = state.share.split(if event == GREETING { 0 } else { event.len() });
            let taken = Taken { event, _share: share, stream: self.0.clone() };
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(taken)))));
        }
        if state.has_ended {
            return Poll::Ready(None);
        }
        state.body = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// An event that the HTTP library has taken. Its bytes count until it is written.
struct Taken {
    event: Bytes,
    _share: Share,
    stream: Stream,
}

impl AsRef<[u8]> for Taken {
    fn as_ref(&self) -> &[u8] {
        &self.event
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.stream.lock();
        state.is_writing = false;
        wake(&mut state.body);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    fn new_stream() -> (EventSink, EventBody) {
        channel(&QueueBudget::new(usize::MAX, Arc::default()))
    }

    #[test]
    fn every_line_of_an_event_is_data() {
        assert_eq!(event(b"{}\x1e"), &b"data: {}\x1e\r\n\r\n"[..]);
        assert_eq!(event(b"[\r\n1,\n2]\x1e"), &b"data: [\r\ndata: 1,\r\ndata: 2]\x1e\r\n\r\n"[..]);
    }

    #[test]
    fn what_the_client_does_not_take_has_a_bound() {
        let (sink, _body) = new_stream();
        let event = Bytes::from(vec![0; 100]);
        for _ in 0..10 {
            assert!(sink.send(&event, 1000).is_ok());
        }
        assert!(sink.send(&event, 1000).is_err());
        sink.drop_queued();
        assert!(sink.send(&event, 1000).is_ok());
    }

    #[tokio::test]
    async fn what_waits_comes_before_the_end() {
        let (sink, mut body) = new_stream();
        sink.send(&Bytes::from_static(b"last"), 1000).unwrap();
        sink.end();
        sink.send(&Bytes::from_static(b"too late"), 1000).unwrap();
        let mut all = Vec::new();
        while let Some(event) = body.frame().await {
            all.extend_from_slice(event.unwrap().data_ref().unwrap());
        }
        assert_eq!(all, b":\r\nlast");
        drop(body);
        poll_fn(|cx| sink.poll_gone(cx)).await;
    }

    /// The capacity for events, and the bytes of the waiting events.
    fn waiting(stream: &Stream) -> (usize, usize) {
        let state = stream.lock();
        (state.events.capacity(), state.share.bytes())
    }

    #[tokio::test]
    async fn what_is_taken_counts_until_it_is_written() {
        let budget = QueueBudget::new(99, Arc::default());
        let (sink, mut body) = channel(&budget);
        sink.send(&Bytes::from(vec![0; 100]), 1000).unwrap();
        sink.send(&Bytes::from(vec![0; 10]), 1000).unwrap();
        drop(body.frame().await);
        let event = body.frame().await;
        assert_eq!(sink.queued(), 10);
        assert!(body.frame().now_or_never().is_none(), "one at a time");
        assert!(budget.is_over());
        drop(event);
        assert!(!budget.is_over());
        assert!(body.frame().now_or_never().is_some());
    }

    #[test]
    fn nothing_waits_once_either_side_is_gone() {
        let (sink, body) = new_stream();
        sink.send(&Bytes::from(vec![0; 100]), 1000).unwrap();
        let stream = sink.0.clone();
        drop(sink);
        assert_eq!(waiting(&stream), (0, 0));
        drop(body);
        let (sink, body) = new_stream();
        drop(body);
        sink.send(&Bytes::from(vec![0; 100]), 1000).unwrap();
        assert_eq!(waiting(&sink.0), (0, 0));
    }
}
