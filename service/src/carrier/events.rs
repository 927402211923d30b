//! An event stream: the shard's end and the client's, which is the body of a response.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{mpsc, oneshot};

use super::transport::QueueFull;

/// A comment, which makes some browsers say that the stream is open.
const GREETING: &[u8] = b":\r\n";

/// Messages as one event. A line break between the parts of a message begins another line of the
/// event; within its strings there is none.
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

/// The shard's end of an event stream.
#[derive(Debug)]
pub(crate) struct EventSink {
    events: mpsc::UnboundedSender<Bytes>,
    /// Bytes that the response has not taken yet.
    waiting: Arc<AtomicUsize>,
    /// Ends with the client's end.
    gone: Option<oneshot::Receiver<Infallible>>,
    /// Whether what comes now is the last, which the client gets whatever waits before it.
    is_ending: bool,
}

/// The client's end of an event stream.
pub(crate) struct EventBody {
    _is_there: oneshot::Sender<Infallible>,
    events: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// A new stream, which begins with a comment.
pub(crate) fn channel() -> (EventSink, EventBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let (is_there, gone) = oneshot::channel();
    let sink = EventSink {
        events: sender,
        waiting: Arc::clone(&waiting),
        gone: Some(gone),
        is_ending: false,
    };
    // An end of the client is noticed where the sink is used.
    let _ = sink.send(&Bytes::from_static(GREETING), usize::MAX);
    (sink, EventBody { _is_there: is_there, events: receiver, waiting })
}

impl EventSink {
    pub(crate) fn send(&self, event: &Bytes, max_queued: usize) -> Result<(), QueueFull> {
        let before = self.waiting.fetch_add(event.len(), Relaxed);
        if before > 0 && !self.is_ending && before + event.len() > max_queued {
            return Err(QueueFull);
        }
        // Where the client is gone, its end says so.
        let _ = self.events.send(event.clone());
        Ok(())
    }

    /// Lets the last messages through.
    pub(crate) fn begin_end(&mut self) {
        self.is_ending = true;
    }

    /// Ends when the client has ended the stream, or the stream has come to its end.
    pub(crate) fn take_gone(&mut self) -> Option<oneshot::Receiver<Infallible>> {
        self.gone.take()
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.events.poll_recv(cx).map(|event| {
            let event = event?;
            self.waiting.fetch_sub(event.len(), Relaxed);
            Some(Ok(Frame::data(event)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_event_is_data() {
        assert_eq!(event(b"{}\x1e"), &b"data: {}\x1e\r\n\r\n"[..]);
        assert_eq!(event(b"[\r\n1,\n2]\x1e"), &b"data: [\r\ndata: 1,\r\ndata: 2]\x1e\r\n\r\n"[..]);
    }

    #[test]
    fn what_the_client_does_not_take_has_a_bound() {
        let (mut sink, _body) = channel();
        let event = Bytes::from(vec![0; 100]);
        for _ in 0..9 {
            assert!(sink.send(&event, 1000).is_ok());
        }
        assert!(sink.send(&event, 1000).is_err());
        sink.begin_end();
        assert!(sink.send(&event, 1000).is_ok());
    }
}
