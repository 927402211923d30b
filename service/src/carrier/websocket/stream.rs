//! What a WebSocket's frames are written to: a plain socket, or one with TLS.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::ServerConnection;
use tokio::{io::AsyncWrite, net::TcpStream};

/// The most bytes that TLS may hold because the socket did not take them. A record's worth: more
/// stays where the queue's bound counts it.
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
    /// What of the caller's bytes may still be in `tls`, which counts as waiting.
    held: usize,
}

impl Stream {
    /// Puts a socket and the state of TLS on it together, if there is any.
    pub(crate) fn new(socket: TcpStream, tls: Option<ServerConnection>) -> Self {
        match tls {
            None => Self::Plain(socket),
            Some(mut tls) => {
                tls.set_buffer_limit(Some(HELD));
                Self::Tls(Box::new(Secured { socket, tls, held: 0 }))
            }
        }
    }

    /// Writes as much as goes without waiting. What TLS [holds](Self::held) counts as written.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            Self::Tls(secured) => secured.try_write(bytes),
        }
    }

    /// How many bytes that count as written still wait for the socket.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(secured) => secured.held,
        }
    }

    /// Is ready when [`try_write`](Self::try_write) may take more.
    pub(super) fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_write_ready(cx),
            Self::Tls(secured) if secured.tls.wants_write() => secured.poll_flush(cx),
            Self::Tls(secured) => secured.socket.poll_write_ready(cx),
        }
    }

    /// Is ready when nothing is held any more.
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
            Self::Plain(socket) => poll_read(socket, cx, buffer),
            Self::Tls(secured) => secured.poll_read(cx, buffer),
        }
    }

    /// Tells the other side that nothing more will be written.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(secured) => secured.poll_shutdown(cx),
        }
    }
}

impl Secured {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < bytes.len() {
            // Only once the socket keeps up is more made into records.
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

    /// Writes the records that wait. Returns whether the socket took them all.
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
            // What was decrypted already comes first: the upgrade may have left some.
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.socket.poll_read_ready(cx))?;
            match self.tls.read_tls(&mut WithoutWaiting(&self.socket)) {
                // An end that TLS did not announce is an end too: frames say where they end.
                Ok(0) => return Poll::Ready(Ok(0)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let processed = self.tls.process_new_packets();
            // What TLS itself has to say, be it why it failed. The task waits for the rest.
            if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                return Poll::Ready(Err(error));
            }
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It is said once, however often it is asked for.
        self.tls.send_close_notify();
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for Secured {
    /// The other side learns that the end is no attack, if the socket takes so much at once.
    fn drop(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }
}

fn poll_read(
    socket: &TcpStream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_read_ready(cx))?;
        match socket.try_read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read),
        }
    }
}

/// A socket as the TLS library wants it.
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
    use crate::{budget::QueueBudget, carrier::websocket::WebSocket};

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

    /// Whether somebody was woken.
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
            assert!(socket.poll(&mut cx, &mut buffer, 1024, |_| ()).is_pending());
        };
        look(&mut socket);
        woken.0.store(false, Relaxed);
        let frame = Bytes::from(vec![0; 10_000]);
        while !woken.0.load(Relaxed) {
            socket.send(&frame, usize::MAX).unwrap();
        }
        assert!(!socket.has_queue(), "the frame is held by TLS alone");
    }
}
