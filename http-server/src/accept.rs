//! Accepts connections.

use std::{future::poll_fn, io, net::IpAddr, task::Poll, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::tcp;

/// How long to wait when the machine has no free socket.
const PAUSE: Duration = Duration::from_millis(100);
/// One line of the log for this many pauses.
const PAUSES_TO_LOG: u32 = 10;

/// The ports of a server.
#[derive(Debug)]
pub(crate) struct Ports {
    listeners: Vec<TcpListener>,
    /// The index of the port that is polled first. It changes each time, so that no port must wait
    /// for the others.
    first: usize,
    /// The pauses since the last accepted connection.
    pauses: u32,
    /// Whether each new socket needs its own set-up.
    sets_up: bool,
}

impl Ports {
    pub(crate) fn new(listeners: Vec<TcpListener>) -> Self {
        let sets_up = !listeners.iter().all(tcp::set_up_for_all);
        Self { listeners, first: 0, pauses: 0, sets_up }
    }

    /// The next connection and its peer. If the future is dropped before it is ready, no connection
    /// is lost.
    pub(crate) async fn accept(&mut self) -> (TcpStream, IpAddr) {
        loop {
            match self.try_accept().await {
                Ok((socket, peer)) => {
                    self.pauses = 0;
                    // The set-up fails if the caller has gone already.
                    if !self.sets_up || tcp::set_up(&socket).is_ok() {
                        return (socket, peer);
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if self.pauses.is_multiple_of(PAUSES_TO_LOG) {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                    self.pauses = self.pauses.wrapping_add(1);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn try_accept(&mut self) -> io::Result<(TcpStream, IpAddr)> {
        self.first = self.first.wrapping_add(1);
        poll_fn(|cx| {
            for offset in 0..self.listeners.len() {
                let index = self.first.wrapping_add(offset) % self.listeners.len();
                if let Poll::Ready(accepted) = self.listeners[index].poll_accept(cx) {
                    return Poll::Ready(accepted.map(|(socket, peer)| (socket, peer.ip())));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether the error concerns one connection only: its caller left before it was accepted. The next
/// connection may be good.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
