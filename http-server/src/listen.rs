//! The ports that a server listens on.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

/// Where to listen. Port 0 picks a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listen {
    /// This machine only, at 127.0.0.1 and, if there is IPv6, at `::1`. So `localhost` works for
    /// clients that resolve it to either address.
    Loopback {
        /// The port, the same at both addresses.
        port: u16,
    },
    /// One address.
    Address(SocketAddr),
}

/// A port that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}{}", remedy(.source))]
pub struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

impl ListenError {
    /// The error of the operating system, for your own error text.
    #[must_use]
    pub fn into_cause(self) -> io::Error {
        self.source
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; end the program that uses the port, or choose another",
        io::ErrorKind::PermissionDenied => "; choose a port of 1024 or above",
        io::ErrorKind::AddrNotAvailable => "; choose an address of this machine, or 0.0.0.0",
        _ => "",
    }
}

/// How many free ports are tried. A port that is free for IPv4 may be in use for IPv6.
const FREE_PORT_TRIES: usize = 20;

impl Listen {
    /// Opens the port.
    ///
    /// # Errors
    ///
    /// [`ListenError`] names the address, what is wrong with it and what to do.
    pub async fn bind(self) -> Result<Vec<TcpListener>, ListenError> {
        match self {
            Self::Address(address) => Ok(vec![open(address)?]),
            Self::Loopback { port: 0 } => {
                let mut last = open_loopback(0);
                for _ in 1..FREE_PORT_TRIES {
                    if last.is_ok() {
                        break;
                    }
                    last = open_loopback(0);
                }
                last
            }
            Self::Loopback { port } => open_loopback(port),
        }
    }
}

fn open_loopback(port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let v4 = open((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into())?;
    let port = v4.local_addr().map_or(port, |address| address.port());
    match open((IpAddr::V6(Ipv6Addr::LOCALHOST), port).into()) {
        Ok(v6) => Ok(vec![v4, v6]),
        Err(error) if error.source.kind() == io::ErrorKind::AddrInUse => Err(error),
        // A machine without IPv6 resolves `localhost` to 127.0.0.1.
        Err(_) => Ok(vec![v4]),
    }
}

/// How many connections may wait to be accepted. A caller beyond this tries again after a second, so
/// the number is higher than that of clients which all come back at the same time. The system may
/// have a lower bound.
const BACKLOG: u32 = 4096;

fn open(address: SocketAddr) -> Result<TcpListener, ListenError> {
    listen(address).map_err(|source| ListenError { address, source })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // With this, a port is free again as soon as its program has ended. On Windows this option has
    // another meaning.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
