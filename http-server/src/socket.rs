//! The socket under a connection, and how an upgrade takes it away.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{
    head_timer::Arrived, linger::Linger, socket_places::SocketPlace, stream::Stream,
    write_limit::WriteLimit,
};

/// A socket that notes when bytes have come and cuts off a caller that accepts no bytes. It ends in a
/// way that lets the last answer arrive.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    place: Arc<SocketPlace>,
    arrived: Arrived,
    write_limit: WriteLimit,
    /// Whether any bytes were sent to the caller.
    has_answered: bool,
    linger: Option<Box<Linger>>,
}

impl Socket {
    pub(crate) fn new(
        stream: Stream,
        place: Arc<SocketPlace>,
        arrived: Arrived,
        write_time: Duration,
    ) -> Self {
        let write_limit = WriteLimit::new(write_time);
        Self { stream, place, arrived, write_limit, has_answered: false, linger: None }
    }

    fn noted_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.has_answered |= matches!(written, Poll::Ready(Ok(1..)));
        self.check_progress(cx, written)
    }

    fn check_progress<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let was_pending = written.is_pending();
        let checked = self.write_limit.check(cx, written);
        if was_pending && checked.is_ready() {
            self.place.count_cut_off();
        }
        checked
    }

    /// Whether the caller may not have read the last answer yet. If the connection waits for the next
    /// request, the caller has read it.
    fn may_lose_an_answer(&self) -> bool {
        self.has_answered && self.arrived.is_noted()
    }
}

/// The socket of an upgraded connection.
#[derive(Debug)]
pub struct UpgradedSocket {
    /// The bare socket.
    pub stream: TcpStream,
    /// The state of TLS on it; `None` on a plain port.
    #[cfg(feature = "tls")]
    pub tls: Option<Box<rustls::ServerConnection>>,
    /// The bytes that the caller sent after its request. They are read already and come before the
    /// bytes of `stream`.
    pub early: Bytes,
    /// The place of this connection. It is free for another connection when it is dropped, so keep it
    /// as long as the socket.
    pub place: Arc<SocketPlace>,
}

/// Takes the bare socket out of an upgraded connection. No layer of this server remains around the
/// socket.
///
/// # Errors
///
/// If the connection belongs to another server.
pub fn take_socket(upgraded: Upgraded) -> io::Result<UpgradedSocket> {
    let parts = upgraded
        .downcast::<TokioIo<Socket>>()
        .map_err(|_| io::Error::other("the connection belongs to another server"))?;
    let early = parts.read_buf;
    let Socket { stream, place, .. } = parts.io.into_inner();
    Ok(match stream {
        Stream::Plain(stream) => UpgradedSocket {
            stream,
            #[cfg(feature = "tls")]
            tls: None,
            early,
            place,
        },
        #[cfg(feature = "tls")]
        Stream::Tls(secured) => {
            let (stream, tls) = secured.into_inner();
            UpgradedSocket { stream, tls: Some(Box::new(tls)), early, place }
        }
    })
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.arrived.note();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.noted_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.check_progress(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.may_lose_an_answer() {
            return Pin::new(&mut self.stream).poll_shutdown(cx);
        }
        let Self { stream, linger, .. } = &mut *self;
        linger.get_or_insert_with(|| Box::new(Linger::begin())).poll(Pin::new(stream), cx)
    }
}
