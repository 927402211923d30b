//! The socket under a connection, and how an upgrade takes it away.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{head_timer::Arrived, stream::Stream};

/// A socket that notes when bytes have come.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    arrived: Arrived,
}

impl Socket {
    pub(crate) fn new(stream: Stream, arrived: Arrived) -> Self {
        Self { stream, arrived }
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
    /// What the caller sent behind its request, which is read already and comes first.
    pub early: Bytes,
}

/// Takes the bare socket out of a connection that was upgraded. Nothing of this server stays around
/// it.
///
/// # Errors
///
/// Where the connection is of another server.
pub fn take_socket(upgraded: Upgraded) -> io::Result<UpgradedSocket> {
    let parts = upgraded
        .downcast::<TokioIo<Socket>>()
        .map_err(|_| io::Error::other("the connection is of another server"))?;
    let early = parts.read_buf;
    Ok(match parts.io.into_inner().stream {
        Stream::Plain(stream) => UpgradedSocket {
            stream,
            #[cfg(feature = "tls")]
            tls: None,
            early,
        },
        #[cfg(feature = "tls")]
        Stream::Tls(secured) => {
            let (stream, tls) = secured.into_inner();
            UpgradedSocket { stream, tls: Some(Box::new(tls)), early }
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
