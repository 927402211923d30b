//! The socket of a WebSocket, without the HTTP library.
//!
//! The caller writes a frame directly to the socket. Only the bytes that the socket does not accept
//! are queued. While the queue is not empty, later frames are queued too, so the order stays the
//! same.

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
    /// Its place among all sockets. The place is free again when this socket is closed.
    _place: Arc<SocketPlace>,
    decoder: Decoder,
    /// `None` while the socket accepts everything.
    queue: Option<Box<Queue>>,
    budget: QueueBudget,
    /// The bytes that came with the upgrade, until they are read. The box keeps an idle connection
    /// small.
    early: Option<Box<BytesMut>>,
    /// Wakes the task that waits for the socket.
    waker: Option<Waker>,
    close: CloseState,
    /// Whether the last received message was binary.
    is_binary: bool,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// The bytes of the frames.
    share: Share,
}

/// The state of the closing handshake of RFC 6455.
#[derive(Debug, Default)]
struct CloseState {
    sent: bool,
    received: bool,
    /// Whether the write side of the socket is closed.
    write_side_is_shut: bool,
}

/// The result of polling the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Bytes came, and their messages were passed on.
    Read,
    /// The client ended the transport, or broke the rules of the protocol.
    Ended,
    /// The socket has ended.
    Gone,
}

impl WebSocket {
    /// Takes a socket after its upgrade, and the bytes that were already read from it.
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
            is_binary: false,
        }
    }

    /// Writes a frame, and queues the bytes that the socket does not accept.
    #[inline]
    pub(crate) fn send(&mut self, frame: &Bytes, max_queued: usize) -> Result<(), QueueFull> {
        if self.close.sent {
            return Ok(());
        }
        let mut written = 0;
        if self.queue.is_none() {
            // The task that reads the socket finds out if it is broken.
            written = self.stream.try_write(frame).unwrap_or(0);
            if written == frame.len() {
                if self.stream.held() > 0 {
                    self.wake();
                }
                return Ok(());
            }
        }
        self.queue(frame.slice(written..), max_queued)
    }

    /// Queues the bytes that the socket does not accept. Few frames come here, so this is separate
    /// from the code for frames that are written at once.
    #[inline(never)]
    fn queue(&mut self, rest: Bytes, max_queued: usize) -> Result<(), QueueFull> {
        let queue = self.queue.get_or_insert_with(|| {
            Box::new(Queue { frames: VecDeque::new(), share: self.budget.share() })
        });
        queue.share.add(rest.len());
        queue.frames.push_back(rest);
        // A single frame may be larger than the bound; only the frames after it are limited.
        let waiting = queue.share.bytes().saturating_add(self.stream.held());
        let is_full = waiting > max_queued && queue.frames.len() > 1;
        self.wake();
        if is_full { Err(QueueFull) } else { Ok(()) }
    }

    /// Drops all queued frames except the first, which may be half written. Also drops the parts of
    /// incomplete messages: nothing more is accepted from this client.
    pub(crate) fn drop_queued(&mut self) {
        self.decoder = Decoder::default();
        if let Some(queue) = &mut self.queue {
            queue.frames.truncate(1);
            let kept = queue.frames.front().map_or(0, Bytes::len);
            queue.share.remove(queue.share.bytes().saturating_sub(kept));
        }
    }

    /// How many bytes wait.
    pub(crate) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.share.bytes())
    }

    /// Whether the last message of the client was binary.
    pub(crate) fn is_binary(&self) -> bool {
        self.is_binary
    }

    /// How many bytes of an incomplete message are held.
    pub(crate) fn partial(&self) -> usize {
        self.decoder.partial()
    }

    /// Begins or answers the closing handshake. Nothing is sent after it.
    pub(crate) fn send_close(&mut self, code: CloseCode, reason: &'static str) {
        // The close frame is very small, and the client must get it after any number of waiting
        // bytes.
        let _ = self.send(&frame::close(code, reason), usize::MAX);
        self.close.sent = true;
        self.wake();
    }

    #[cfg(test)]
    pub(super) fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Wakes the task that waits for the socket.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Writes the queued bytes and reads the received ones, as far as the socket allows. Complete
    /// messages go to `on_message`. Answers to pings wait within `max_queued`, as all frames do.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        max_message: usize,
        max_queued: usize,
        on_message: impl FnMut(&[u8]),
    ) -> Poll<Progress> {
        self.note_waker(cx);
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
            return Poll::Ready(self.receive(&mut early, max_message, max_queued, on_message));
        }
        match ready!(self.stream.poll_read(cx, buffer)) {
            Ok(0) | Err(_) => Poll::Ready(Progress::Gone),
            Ok(read) => {
                let bytes = &mut buffer[..read];
                Poll::Ready(self.receive(bytes, max_message, max_queued, on_message))
            }
        }
    }

    /// Only writes the queued bytes. Is ready when the socket is broken.
    pub(crate) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.note_waker(cx);
        match self.poll_write(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    fn note_waker(&mut self, cx: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    /// Is ready when no bytes wait to be written.
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
        max_queued: usize,
        mut on_message: impl FnMut(&[u8]),
    ) -> Progress {
        if self.close.received {
            return Progress::Read;
        }
        let mut pongs = Vec::new();
        let (close, is_binary) = (&mut self.close, &mut self.is_binary);
        let decoded = self.decoder.feed(bytes, max_message, |input| {
            match input {
                Input::Text(message) => {
                    *is_binary = false;
                    on_message(message);
                }
                Input::Binary(message) => {
                    *is_binary = true;
                    on_message(message);
                }
                Input::Ping(payload) => pongs.push(frame::pong(payload)),
                Input::Close => close.received = true,
            }
            true
        });
        for pong in pongs {
            // A client that pings and does not read must not fill the queue. It gets no answer to such a
            // ping, but the messages that wait for it.
            if self.queued() <= max_queued {
                let _ = self.send(&pong, usize::MAX);
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
    /// The task that waits for the socket must learn that the socket is gone.
    fn drop(&mut self) {
        self.wake();
    }
}

/// The inputs that a decoder reads from bytes in pieces of `size`, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<Violation>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for piece in bytes.chunks(size) {
        let mut has_closed = false;
        let decoded = decoder.feed(&mut piece.to_vec(), 1 << 20, |input| {
            match input {
                Input::Text(message) | Input::Binary(message) => messages.push(message.to_vec()),
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
