//! Taking connections.

use std::{future::poll_fn, io, net::IpAddr, task::Poll, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::tcp;

/// How long to wait if the machine has no socket left.
const PAUSE: Duration = Duration::from_millis(100);
/// How many pauses there are from one line of the log to the next.
const PAUSES_TO_LOG: u32 = 10;

/// The ports of a server.
#[derive(Debug)]
pub(crate) struct Ports {
    listeners: Vec<TcpListener>,
    /// The port that is asked first: another one each time, so that none is left waiting.
    first: usize,
    /// Since a socket was last to be had.
    pauses: u32,
}

impl Ports {
    pub(crate) fn new(listeners: Vec<TcpListener>) -> Self {
        Self { listeners, first: 0, pauses: 0 }
    }

    /// The next connection, and its peer. No connection is lost if this is dropped before it is ready.
    pub(crate) async fn accept(&mut self) -> (TcpStream, IpAddr) {
        loop {
            match self.try_accept().await {
                Ok((socket, peer)) => {
                    self.pauses = 0;
                    // The caller may have gone already.
                    if tcp::set_up(&socket).is_ok() {
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

/// Whether the caller has gone before it was taken, which says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
