//! The body of a request, which knows whether it was read to its end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::{
    Error,
    body::{Body, Frame, Incoming, SizeHint},
};

/// The body of a request.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    /// `None` if there was nothing to read from the start.
    is_read: Option<IsRead>,
}

/// Whether a body was read to its end. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct IsRead(
    // The task that reads the body usually asks here too, so the order of memory does not matter. If
    // another task reads it, its end may be noticed late, and the answer only waits a little.
    Arc<AtomicBool>,
);

impl IsRead {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl RequestBody {
    /// The body, and what learns that it was read. The latter is `None` if there is nothing to read.
    pub(crate) fn new(incoming: Incoming) -> (Self, Option<IsRead>) {
        let is_read = (!incoming.is_end_stream()).then(IsRead::default);
        (Self { incoming, is_read: is_read.clone() }, is_read)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        if let (Poll::Ready(None), Some(IsRead(is_read))) = (&frame, &self.is_read) {
            is_read.store(true, Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
