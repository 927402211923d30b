//! The options that are set on each socket. They apply until its end, also after an upgrade.

use std::{io, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;

/// Probes find a peer that is gone without a close, such as a phone out of reach. The first probe is
/// sent after a minute without a byte. The peer is gone if three probes, ten seconds apart, get no
/// answer.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);
/// How long a peer may leave bytes unacknowledged, or accept none. Source: RFC 5482.
#[cfg(any(target_os = "linux", target_os = "android"))]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets the options on a port. Returns whether its connections then have them. On Linux a new
/// connection inherits the options of its port, which saves six system calls for each connection.
pub(crate) fn set_up_for_all(listener: &TcpListener) -> bool {
    cfg!(target_os = "linux") && set_up(listener).is_ok()
}

/// Sets the options that apply to every connection.
pub(crate) fn set_up<'a>(socket: impl Into<SockRef<'a>>) -> io::Result<()> {
    let socket = socket.into();
    // Each answer is written as a whole. To wait for more bytes would only delay it.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&KEEP_ALIVE)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_socket_finds_out_that_its_peer_is_gone() {
        for by_port in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let is_set_up = by_port && set_up_for_all(&listener);
            let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            if !is_set_up {
                set_up(&stream).unwrap();
            }
            assert!(stream.nodelay().unwrap());
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            #[cfg(target_os = "linux")]
            {
                assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
                assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
                assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
            }
        }
    }
}
