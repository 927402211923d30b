//! The bare socket of a WebSocket.
//!
//! Writing is direct: a frame goes to the socket in the caller's own stack, and only what the
//! socket does not take is queued. From then on everything is queued until the queue is empty, so
//! nothing overtakes.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use signalr_http_server::SocketPlace;
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    decoder::{Decoder, Input, Violation},
    frame,
    stream::Stream,
};
use crate::{
    budget::{QueueBudget, Share},
    carrier::transport::QueueFull,
};

#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: Stream,
    /// Its place among all sockets, which is free again when this one is closed.
    _place: Arc<SocketPlace>,
    decoder: Decoder,
    /// `None` while the socket keeps up.
    queue: Option<Box<Queue>>,
    budget: QueueBudget,
    /// What came with the upgrade, until it is read. The box keeps an idle connection small.
    early: Option<Box<BytesMut>>,
    /// Wakes the task that waits for the socket.
    waker: Option<Waker>,
    close: CloseState,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// The bytes of the frames.
    share: Share,
}

/// How far the closing handshake of RFC 6455 has come.
#[derive(Debug, Default)]
struct CloseState {
    sent: bool,
    received: bool,
    /// Whether the write side of the socket is closed.
    write_side_is_shut: bool,
}

/// What a look at the socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Bytes came, and the messages in them were handed on.
    Read,
    /// The client ended the transport, or broke its rules.
    Ended,
    /// The socket is at its end.
    Gone,
}

impl WebSocket {
    /// Takes a socket after its upgrade, and what was read from it already.
    pub(crate) fn new(
        stream: Stream,
        place: Arc<SocketPlace>,
        early: BytesMut,
        budget: QueueBudget,
    ) -> Self {
        Self {
            stream,
            _place: place,
            decoder: Decoder::default(),
            queue: None,
            budget,
            early: (!early.is_empty()).then(|| Box::new(early)),
            waker: None,
            close: CloseState::default(),
        }
    }

    /// Writes a frame, or queues what the socket does not take.
    pub(crate) fn send(&mut self, frame: &Bytes, max_queued: usize) -> Result<(), QueueFull> {
        if self.close.sent {
            return Ok(());
        }
        let mut written = 0;
        if self.queue.is_none() {
            // A broken socket is found by the task that reads it.
            written = self.stream.try_write(frame).unwrap_or(0);
            if written == frame.len() {
                if self.stream.held() > 0 {
                    self.wake();
                }
                return Ok(());
            }
        }
        let rest = frame.slice(written..);
        let queue = self.queue.get_or_insert_with(|| {
            Box::new(Queue { frames: VecDeque::new(), share: self.budget.share() })
        });
        queue.share.add(rest.len());
        queue.frames.push_back(rest);
        // A single frame may be larger than the bound; it is the frames behind it that count.
        let waiting = queue.share.bytes().saturating_add(self.stream.held());
        let is_full = waiting > max_queued && queue.frames.len() > 1;
        self.wake();
        if is_full { Err(QueueFull) } else { Ok(()) }
    }

    /// Drops everything that waits behind the frame that may be half written, and what came in part:
    /// nothing more is taken from this client.
    pub(crate) fn drop_queued(&mut self) {
        self.decoder = Decoder::default();
        if let Some(queue) = &mut self.queue {
            queue.frames.truncate(1);
            let kept = queue.frames.front().map_or(0, Bytes::len);
            queue.share.remove(queue.share.bytes().saturating_sub(kept));
        }
    }

    /// The bytes that wait.
    pub(crate) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.share.bytes())
    }

    /// The bytes of a message that came in part.
    pub(crate) fn partial(&self) -> usize {
        self.decoder.partial()
    }

    /// Begins or answers the closing handshake; nothing is sent behind it.
    pub(crate) fn send_close(&mut self, code: CloseCode, reason: &'static str) {
        // The close frame is tiny, and the client must get it whatever waits before it.
        let _ = self.send(&frame::close(code, reason), usize::MAX);
        self.close.sent = true;
        self.wake();
    }

    #[cfg(test)]
    pub(super) fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Lets the task that waits for the socket look again.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Writes what waits and reads what came, as far as the socket allows. Whole messages go to
    /// `on_message`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        max_message: usize,
        on_message: impl FnMut(&[u8]),
    ) -> Poll<Progress> {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        match self.poll_write(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(Progress::Gone),
            Poll::Ready(Ok(())) if self.close.sent && self.close.received => {
                return Poll::Ready(Progress::Gone);
            }
            Poll::Ready(Ok(())) if self.close.sent && !self.close.write_side_is_shut => {
                if self.stream.poll_shutdown(cx).is_ready() {
                    self.close.write_side_is_shut = true;
                }
            }
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        if let Some(mut early) = self.early.take() {
            return Poll::Ready(self.receive(&mut early, max_message, on_message));
        }
        match ready!(self.stream.poll_read(cx, buffer)) {
            Ok(0) | Err(_) => Poll::Ready(Progress::Gone),
            Ok(read) => Poll::Ready(self.receive(&mut buffer[..read], max_message, on_message)),
        }
    }

    /// Is ready when nothing waits to be written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(queue) = &mut self.queue {
            let Some(front) = queue.frames.front_mut() else {
                self.queue = None;
                break;
            };
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(front) {
                Ok(written) if written == front.len() => {
                    queue.share.remove(written);
                    queue.frames.pop_front();
                }
                Ok(written) => {
                    queue.share.remove(written);
                    *front = front.slice(written..);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.stream.poll_flush(cx)
    }

    /// Takes bytes from the socket.
    fn receive(
        &mut self,
        bytes: &mut [u8],
        max_message: usize,
        mut on_message: impl FnMut(&[u8]),
    ) -> Progress {
        if self.close.received {
            return Progress::Read;
        }
        let mut pongs = Vec::new();
        let close = &mut self.close;
        let decoded = self.decoder.feed(bytes, max_message, |input| {
            match input {
                Input::Message(message) => on_message(message),
                Input::Ping(payload) => pongs.push(frame::pong(payload)),
                Input::Close => close.received = true,
            }
            true
        });
        for pong in pongs {
            if self.send(&pong, max_message).is_err() {
                return Progress::Gone;
            }
        }
        match decoded {
            Ok(()) if !self.close.received => return Progress::Read,
            Ok(()) if !self.close.sent => self.send_close(CloseCode::Normal, ""),
            Ok(()) => {}
            Err(Violation { code, reason }) => {
                self.close.received = true;
                if !self.close.sent {
                    self.send_close(code, reason);
                }
            }
        }
        Progress::Ended
    }
}

impl Drop for WebSocket {
    /// The task that waits for the socket must learn that there is none any more.
    fn drop(&mut self) {
        self.wake();
    }
}

/// What a decoder makes of bytes that come in pieces of `size`, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<Violation>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for piece in bytes.chunks(size) {
        let mut has_closed = false;
        let decoded = decoder.feed(&mut piece.to_vec(), 1 << 20, |input| {
            match input {
                Input::Message(message) => messages.push(message.to_vec()),
                Input::Ping(payload) => messages.push(payload.to_vec()),
                Input::Close => has_closed = true,
            }
            true
        });
        if decoded.is_err() || has_closed {
            return (messages, decoded.err());
        }
    }
    (messages, None)
}
