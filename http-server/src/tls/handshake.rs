//! Makes a socket with TLS from a bare socket.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::Tls;

/// The limit from the connection to the end of the handshake.
const TIME: Duration = Duration::from_secs(10);

/// The type of the first record of a handshake. Source: RFC 8446, section 5.1.
const HANDSHAKE: u8 = 22;

const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 43\r\n\
    connection: close\r\n\
    \r\n\
    this port speaks TLS; use https or wss URLs";

/// Does the TLS handshake with a caller, within 10 seconds. A caller without TLS gets an answer
/// that says so.
pub(crate) async fn accept(tls: &Tls, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    timeout(TIME, shake_hands(tls, socket)).await?
}

async fn shake_hands(tls: &Tls, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    match (socket.peek(&mut first).await?, first) {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, [HANDSHAKE]) => TlsAcceptor::from(tls.config()).accept(socket).await,
        _ => {
            refuse(socket).await?;
            Err(io::Error::new(io::ErrorKind::InvalidData, "the caller does not speak TLS"))
        }
    }
}

/// Answers a caller without TLS. The bytes that it still sends are read: otherwise the answer would be
/// lost with the connection.
async fn refuse(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(NOT_TLS).await?;
    socket.shutdown().await?;
    let mut rest = [0; 4096];
    while socket.read(&mut rest).await? > 0 {}
    Ok(())
}
