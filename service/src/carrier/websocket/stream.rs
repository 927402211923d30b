//! The stream below a WebSocket's frames: a plain socket, or a socket with TLS.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::ServerConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How many bytes TLS may hold at most because the socket did not accept them. This is the size of
/// one record. All other bytes stay in the queue, where its bound counts them.
const HELD: usize = 16 * 1024;

/// A socket after its upgrade.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    // The box keeps a plain connection small.
    Tls(Box<Secured>),
}

/// TLS on a socket.
#[derive(Debug)]
pub(crate) struct Secured {
    socket: TcpStream,
    tls: ServerConnection,
    /// How many of the caller's bytes may still be in `tls`. They count as waiting.
    held: usize,
}

impl Stream {
    /// Combines a socket with the state of its TLS, if it has TLS.
    pub(crate) fn new(socket: TcpStream, tls: Option<ServerConnection>) -> Self {
        match tls {
            None => Self::Plain(socket),
            Some(mut tls) => {
                tls.set_buffer_limit(Some(HELD));
                Self::Tls(Box::new(Secured { socket, tls, held: 0 }))
            }
        }
    }

    /// Writes as many bytes as possible without waiting. Bytes that TLS [holds](Self::held) count
    /// as written.
    #[inline]
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Tls(secured) => secured.try_write(bytes),
        }
    }

    /// How many bytes count as written and still wait for the socket.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(secured) => secured.held,
        }
    }

    /// Is ready when [`try_write`](Self::try_write) may accept more bytes.
    pub(super) fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_write_ready(cx),
            Self::Tls(secured) if secured.tls.wants_write() => secured.poll_flush(cx),
            Self::Tls(secured) => secured.socket.poll_write_ready(cx),
        }
    }

    /// Is ready when no bytes are held any more.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(secured) => secured.poll_flush(cx),
        }
    }

    /// Reads the bytes that have arrived. Returns 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => {
                let mut buffer = ReadBuf::new(buffer);
                // If a read fills only a part of the buffer, tokio knows that no bytes are left. It
                // then waits for more without another read.
                ready!(Pin::new(socket).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
            Self::Tls(secured) => secured.poll_read(cx, buffer),
        }
    }

    /// Reports to the other side that nothing more will be written.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(secured) => secured.poll_shutdown(cx),
        }
    }
}

impl Secured {
    /// A separate function, because the code for plain sockets is shorter without it.
    #[inline(never)]
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            // New records are made only when the socket has accepted the earlier ones.
            if !self.flush()? {
                break;
            }
            let taken = self.tls.writer().write(&bytes[written..])?;
            written += taken;
            self.held = taken;
        }
        self.flush()?;
        if written == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(written)
    }

    /// Writes the waiting records. Returns whether the socket accepted them all.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut WithoutWaiting(&self.socket)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.held = 0;
        Ok(true)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.flush()? {
            ready!(self.socket.poll_write_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            // Bytes that are already decrypted come first: the upgrade may have left some.
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.socket.poll_read_ready(cx))?;
            match self.tls.read_tls(&mut WithoutWaiting(&self.socket)) {
                // An end without a report of TLS is an end too, because frames contain their own
                // length.
                Ok(0) => return Poll::Ready(Ok(0)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let processed = self.tls.process_new_packets();
            // TLS may have its own messages to send, such as the reason of a failure. The task
            // writes the rest later.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The report is sent once, for any number of calls.
        self.tls.send_close_notify();
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for Secured {
    /// The other side learns that the end is not an attack, if the socket accepts these bytes at
    /// once.
    fn drop(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }
}

/// The socket with the traits that the TLS library needs.
struct WithoutWaiting<'a>(&'a TcpStream);

impl Read for WithoutWaiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for WithoutWaiting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        task::{Wake, Waker},
    };

    use bytes::{Bytes, BytesMut};
    use rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{PrivatePkcs8KeyDer, ServerName},
    };
    use signalr_http_server::SocketPlaces;
    use tokio::{io::AsyncReadExt, net::TcpListener};
    use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

    use super::*;
    use crate::{
        budget::QueueBudget,
        carrier::websocket::{Progress, WebSocket},
    };

    #[test]
    fn the_variant_with_tls_costs_a_plain_connection_nothing() {
        assert_eq!(size_of::<Stream>(), size_of::<TcpStream>());
    }

    /// Both ends of a connection with TLS.
    async fn pair() -> (Stream, TlsStream<TcpStream>) {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(own.cert.der().clone()).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accept = async {
            let (socket, _) = listener.accept().await.unwrap();
            TlsAcceptor::from(Arc::new(server)).accept(socket).await.unwrap()
        };
        let connect = async {
            let socket = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            TlsConnector::from(Arc::new(client)).connect(name, socket).await.unwrap()
        };
        let (accepted, connected) = tokio::join!(accept, connect);
        let (socket, tls) = accepted.into_inner();
        (Stream::new(socket, Some(tls)), connected)
    }

    /// Whether the waker was called.
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    #[tokio::test]
    async fn what_tls_holds_has_a_bound_and_arrives_when_the_socket_takes_it() {
        let (mut stream, mut client) = pair().await;
        let bytes = vec![7; 100_000];
        let mut sent = 0;
        loop {
            match stream.try_write(&bytes) {
                Ok(written) => sent += written,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        assert!((1..=HELD).contains(&stream.held()), "{}", stream.held());
        let mut came = vec![0; sent];
        let read = client.read_exact(&mut came);
        let flushed = poll_fn(|cx| stream.poll_flush(cx));
        let (read, flushed) = tokio::join!(read, flushed);
        read.unwrap();
        flushed.unwrap();
        assert_eq!(stream.held(), 0);
        assert!(came.iter().all(|byte| *byte == 7));
    }

    #[tokio::test]
    async fn a_frame_that_tls_holds_wakes_the_task_of_its_socket() {
        let (stream, _client) = pair().await;
        let places = Arc::new(SocketPlaces::default());
        let place = Arc::new(places.take([127, 0, 0, 1].into()).unwrap());
        let mut socket = WebSocket::new(
            stream,
            place,
            BytesMut::new(),
            QueueBudget::new(usize::MAX, Arc::default()),
        );
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut buffer = [0; 1024];
        let mut look = |socket: &mut WebSocket| {
            let mut cx = Context::from_waker(&waker);
            assert!(socket.poll(&mut cx, &mut buffer, 1024, usize::MAX, |_| ()).is_pending());
        };
        look(&mut socket);
        woken.0.store(false, Relaxed);
        let frame = Bytes::from(vec![0; 10_000]);
        while !woken.0.load(Relaxed) {
            socket.send(&frame, usize::MAX).unwrap();
        }
        assert!(!socket.has_queue(), "the frame is held by TLS alone");
    }

    #[tokio::test]
    async fn a_ping_is_answered_behind_more_bytes_than_one_message_may_have() {
        let (stream, _client) = pair().await;
        let places = Arc::new(SocketPlaces::default());
        let place = Arc::new(places.take([127, 0, 0, 1].into()).unwrap());
        // An empty ping, masked with zeros.
        let ping = BytesMut::from(&[0x89, 0x80, 0, 0, 0, 0][..]);
        let budget = QueueBudget::new(usize::MAX, Arc::default());
        let mut socket = WebSocket::new(stream, place, ping, budget);
        let frame = Bytes::from(vec![0; 100_000]);
        while socket.queued() <= 1024 {
            socket.send(&frame, usize::MAX).unwrap();
        }
        let before = socket.queued();
        let mut cx = Context::from_waker(Waker::noop());
        let progress = socket.poll(&mut cx, &mut [0; 1024], 1024, usize::MAX, |_| ());
        assert_eq!(progress, Poll::Ready(Progress::Read));
        assert_eq!(socket.queued(), before + 2);
    }
}
