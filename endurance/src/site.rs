//! The address of the service, sockets to it, and tokens for it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use signalr_serverless::{AccessKey, NegotiateOptions, Token};
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::Failure;

/// The key of asrs-emulator, which is the service's default.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
pub(crate) const HUB: &str = "endurance";
/// How many bytes a segment has on usual networks.
const SEGMENT: u32 = 1400;
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// The address of a service. Clones share its clock.
#[derive(Clone)]
pub(crate) struct Site {
    address: SocketAddr,
    key: AccessKey,
    /// How many seconds the service's wall clock is ahead of this machine's.
    ahead: Arc<AtomicI64>,
}

/// The way to open a socket.
#[derive(Clone, Copy, Default)]
pub(crate) struct From {
    /// The local address of the socket: 127.0.0.1 plus this number.
    pub(crate) address: u8,
    /// Whether the systems of both sides may buffer only few unread bytes.
    pub(crate) is_tight: bool,
}

impl Site {
    pub(crate) fn new(port: u16) -> Result<Self, Failure> {
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Ok(Self { address, key: AccessKey::parse(KEY)?, ahead: Arc::default() })
    }

    /// The service's host and port, as callers write them.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Notes how many seconds the service's wall clock is ahead.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Relaxed);
    }

    pub(crate) async fn connect(&self, from: From) -> Result<TcpStream, Failure> {
        let socket = TcpSocket::new_v4()?;
        if from.is_tight {
            socket.set_recv_buffer_size(4096)?;
            // The other side's system derives its buffer from the size of a segment. On this machine's
            // own network segments are large, so without this it would buffer megabytes.
            SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
        }
        if from.address > 0 {
            socket.set_reuseaddr(true)?;
            socket.bind((Ipv4Addr::new(127, 0, 0, 1 + from.address), 0).into())?;
        }
        let socket = socket.connect(self.address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    pub(crate) fn client_token(&self) -> Result<String, Failure> {
        let audience = format!("http://{}/client/?hub={HUB}", self.host());
        let options = NegotiateOptions::default();
        Ok(Token::client(&self.key, &audience, &options, self.now())?.as_str().to_owned())
    }

    pub(crate) fn rest_token(&self, path: &str) -> Result<String, Failure> {
        let audience = format!("http://{}{path}", self.host());
        let token = Token::rest(&self.key, &audience, TOKEN_LIFETIME, self.now())?;
        Ok(token.as_str().to_owned())
    }

    fn now(&self) -> SystemTime {
        let ahead = self.ahead.load(Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let now = SystemTime::now();
        if ahead < 0 { now - by } else { now + by }
    }
}
