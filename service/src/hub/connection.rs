//! One connection as its shard holds it: the socket, what waits to be written, the session.
//!
//! Writing is direct: a frame goes to the socket in the caller's own stack, and only what the
//! socket does not take is queued. From then on everything is queued until the queue is empty, so
//! nothing overtakes.

use std::{
    collections::{HashMap, VecDeque},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::{io::AsyncWrite, net::TcpStream, sync::oneshot};
use tungstenite::protocol::frame::coding::CloseCode;

use super::command::Answer;
use crate::{
    session::{Effect, Rules, Seconds, Session},
    transport::websocket::{
        decoder::{Decoder, Input, Violation},
        frame,
    },
};

/// Who a connection is, from its negotiation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: ConnectionId,
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) identity: Arc<Identity>,
    /// The groups that the connection is in, each once.
    pub(crate) groups: Vec<GroupName>,
    pub(crate) session: Session,
    /// Who waits for an answer of the client, by invocation id; `None` while nobody does.
    #[expect(clippy::box_collection, reason = "an idle connection pays for a pointer only")]
    pub(crate) invocations: Option<Box<HashMap<String, oneshot::Sender<Answer>>>>,
    /// Whether the connection takes part in its hub.
    pub(crate) is_member: bool,
    /// When the timer will come back to this connection.
    pub(crate) due: Seconds,
    socket: TcpStream,
    decoder: Decoder,
    /// `None` while the socket keeps up.
    queue: Option<Box<Queue>>,
    /// Wakes the task that waits for the socket.
    waker: Option<Waker>,
    close: CloseState,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// How far the closing handshake of RFC 6455 has come.
#[derive(Debug, Default)]
struct CloseState {
    sent: bool,
    received: bool,
    /// Whether the socket was told that nothing more will be written.
    write_side_is_shut: bool,
}

/// The client takes less than is sent to it, and its queue is full.
#[derive(Debug)]
pub(crate) struct QueueFull;

/// What a look at the socket brought.
#[derive(Debug)]
pub(crate) enum Arrival {
    Effects(Vec<Effect>),
    /// The transport is at its end, one way or the other.
    Gone,
}

impl Connection {
    pub(crate) fn new(identity: Arc<Identity>, socket: TcpStream, now: Seconds) -> Self {
        Self {
            identity,
            groups: Vec::new(),
            invocations: None,
            session: Session::new(now),
            is_member: false,
            due: now,
            socket,
            decoder: Decoder::default(),
            queue: None,
            waker: None,
            close: CloseState::default(),
        }
    }

    /// Writes a frame, or queues what the socket does not take.
    pub(crate) fn send(&mut self, frame: &Bytes, max_queued: usize) -> Result<(), QueueFull> {
        if self.close.sent {
            return Ok(());
        }
        let mut rest = frame.clone();
        if self.queue.is_none() {
            match self.socket.try_write(&rest) {
                Ok(written) if written == rest.len() => return Ok(()),
                Ok(written) => rest = rest.slice(written..),
                // A broken socket is found by the task that reads it.
                Err(_) => {}
            }
        }
        let queue = self.queue.get_or_insert_default();
        queue.bytes += rest.len();
        queue.frames.push_back(rest);
        // A single frame may be larger than the bound; it is the frames behind it that count.
        let is_full = queue.bytes > max_queued && queue.frames.len() > 1;
        self.wake();
        if is_full { Err(QueueFull) } else { Ok(()) }
    }

    /// Drops everything that waits behind the frame that may be half written.
    pub(crate) fn drop_queued(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.frames.truncate(1);
            queue.bytes = queue.frames.front().map_or(0, Bytes::len);
        }
    }

    /// Begins the closing handshake; nothing is sent behind it.
    pub(crate) fn send_close(&mut self, code: CloseCode, reason: &'static str) {
        // The close frame is tiny, and the client must get it whatever waits before it.
        let _ = self.send(&frame::close(code, reason), usize::MAX);
        self.close.sent = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Writes what waits and reads what came, as far as the socket allows.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        now: Seconds,
        rules: &Rules,
    ) -> Poll<Arrival> {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        match self.poll_write(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(Arrival::Gone),
            Poll::Ready(Ok(())) if self.close.sent && self.close.received => {
                return Poll::Ready(Arrival::Gone);
            }
            Poll::Ready(Ok(())) if self.close.sent && !self.close.write_side_is_shut => {
                if Pin::new(&mut self.socket).poll_shutdown(cx).is_ready() {
                    self.close.write_side_is_shut = true;
                }
            }
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        self.poll_read(cx, buffer, now, rules)
    }

    /// Is ready when nothing waits to be written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(queue) = &mut self.queue {
            let Some(front) = queue.frames.front_mut() else {
                self.queue = None;
                break;
            };
            ready!(self.socket.poll_write_ready(cx))?;
            match self.socket.try_write(front) {
                Ok(written) if written == front.len() => {
                    queue.bytes -= written;
                    queue.frames.pop_front();
                }
                Ok(written) => {
                    queue.bytes -= written;
                    *front = front.slice(written..);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        now: Seconds,
        rules: &Rules,
    ) -> Poll<Arrival> {
        loop {
            if ready!(self.socket.poll_read_ready(cx)).is_err() {
                return Poll::Ready(Arrival::Gone);
            }
            match self.socket.try_read(buffer) {
                Ok(0) => return Poll::Ready(Arrival::Gone),
                Ok(read) => {
                    let effects = self.receive(&mut buffer[..read], now, rules);
                    return Poll::Ready(Arrival::Effects(effects));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(Arrival::Gone),
            }
        }
    }

    /// Takes bytes from the socket.
    pub(crate) fn receive(&mut self, bytes: &mut [u8], now: Seconds, rules: &Rules) -> Vec<Effect> {
        if self.close.received {
            return Vec::new();
        }
        let mut effects = Vec::new();
        let mut pongs = Vec::new();
        let (session, close) = (&mut self.session, &mut self.close);
        let decoded = self.decoder.feed(bytes, rules.max_message, |input| {
            match input {
                Input::Message(message) => effects.extend(session.receive(message, now, rules)),
                Input::Ping(payload) => pongs.push(frame::pong(payload)),
                Input::Close => close.received = true,
            }
            true
        });
        for pong in pongs {
            if self.send(&pong, rules.max_message).is_err() {
                return vec![Effect::Abort];
            }
        }
        match decoded {
            Ok(()) if self.close.received => {
                self.end_transport(CloseCode::Normal, "", now, &mut effects);
            }
            Ok(()) => {}
            Err(Violation { code, reason }) => {
                self.close.received = true;
                self.end_transport(code, reason, now, &mut effects);
            }
        }
        effects
    }

    /// Ends the transport because the client ended it or broke its rules.
    fn end_transport(
        &mut self,
        code: CloseCode,
        reason: &'static str,
        now: Seconds,
        effects: &mut Vec<Effect>,
    ) {
        if !self.close.sent {
            self.send_close(code, reason);
        }
        self.session.transport_ended(now);
        effects.push(Effect::End);
    }
}
