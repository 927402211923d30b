//! The end of a connection whose caller may still be sending.
//!
//! If a socket is closed with unread bytes, the system resets the connection, and the peer may lose
//! the last answer. For this reason the write side is closed first. Bytes that still arrive are read
//! and dropped, until the caller closes its side or a bound is reached. Source: RFC 9112, section 9.6.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// The most bytes that are dropped for one caller.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How long a caller may continue to send.
const TIME: Duration = Duration::from_secs(30);
/// How long a caller may send nothing without closing its side.
const SILENCE: Duration = Duration::from_secs(5);
/// How much is read at once.
const PART: usize = 16 * 1024;

/// The progress of the end of a connection.
#[derive(Debug)]
pub(crate) struct Linger {
    has_shut_down: bool,
    bytes_left: u64,
    end: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Linger {
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self {
            has_shut_down: false,
            bytes_left: MAX_BYTES,
            end: now + TIME,
            silence: Box::pin(sleep_until(now + SILENCE)),
        }
    }

    /// Becomes ready when the stream may be dropped.
    pub(crate) fn poll<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.has_shut_down {
            match stream.as_mut().poll_shutdown(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => return self.silence.as_mut().poll(cx).map(Ok),
            }
            self.has_shut_down = true;
        }
        let mut space = [MaybeUninit::uninit(); PART];
        loop {
            let mut part = ReadBuf::uninit(&mut space);
            match stream.as_mut().poll_read(cx, &mut part) {
                Poll::Ready(result) => result?,
                Poll::Pending => return self.silence.as_mut().poll(cx).map(Ok),
            }
            let came = part.filled().len() as u64;
            let now = Instant::now();
            self.bytes_left = self.bytes_left.saturating_sub(came);
            if came == 0 || self.bytes_left == 0 || now >= self.end {
                return Poll::Ready(Ok(()));
            }
            self.silence.as_mut().reset(self.end.min(now + SILENCE));
        }
    }
}
