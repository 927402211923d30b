//! A server with the lowest possible cost: one epoll loop that upgrades WebSockets, accepts a POST,
//! builds the frame once, and does one `send()` for each delivery. It has one hub and one kind of
//! message.
//!
//! ```text
//! floor --port 0
//! ```

mod connection;
mod http;

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use connection::{Connection, Input};
use mio::{Events, Interest, Poll, Token, event::Event, net::TcpListener};
use slab::Slab;

/// The exit code of a bad argument: `EX_USAGE` of sysexits.h.
const BAD_ARGUMENT: u8 = 64;
const LISTENER: Token = Token(usize::MAX);
const READ_BUFFER: usize = 64 * 1024;

/// A SignalR server with the lowest possible cost; it listens on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(name = "floor", version)]
struct Arguments {
    /// Port to listen on; 0 picks a free one
    #[arg(short, long, default_value_t = 0)]
    port: u16,

    /// Seconds between pings to a client; without this flag there are no pings
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    keep_alive: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // If standard error is closed, nobody can read the text.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(BAD_ARGUMENT)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let Err(error) = run(&arguments);
    // As above.
    let _ = writeln!(io::stderr(), "error: port {}: {error} (flag --port)", arguments.port);
    ExitCode::FAILURE
}

fn run(arguments: &Arguments) -> io::Result<std::convert::Infallible> {
    let mut floor = Floor::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)))?;
    let mut pings = arguments.keep_alive.map(Pings::new);
    announce(floor.listener.local_addr()?)?;
    let mut events = Events::with_capacity(1024);
    loop {
        match floor.poll.poll(&mut events, pings.as_ref().map(Pings::left)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(),
                Token(key) => floor.look_at(key, event),
            }
        }
        if let Some(pings) = &mut pings {
            pings.send(&mut floor.connections);
        }
    }
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "clients            http://{address}/client")?;
    writeln!(out, "publish            http://{address}/publish")?;
    writeln!(out, "ready")?;
    out.flush()
}

/// Pings some of the clients each second, so that each client gets one ping in `turns` seconds.
struct Pings {
    turns: usize,
    turn: usize,
    next: Instant,
}

impl Pings {
    const TURN: Duration = Duration::from_secs(1);

    fn new(seconds: u16) -> Self {
        Self { turns: usize::from(seconds), turn: 0, next: Instant::now() + Self::TURN }
    }

    fn left(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    fn send(&mut self, connections: &mut Slab<Connection>) {
        if !self.left().is_zero() {
            return;
        }
        self.next += Self::TURN;
        self.turn = (self.turn + 1) % self.turns;
        for (key, connection) in connections {
            if key % self.turns == self.turn && connection.is_client() {
                connection.send(connection::PING);
            }
        }
    }
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    read_buffer: Box<[u8]>,
}

impl Floor {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let read_buffer = vec![0; READ_BUFFER].into();
        Ok(Self { poll, listener, connections: Slab::new(), read_buffer })
    }

    fn accept(&mut self) {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The error may also be too many open files. The next connection leads to a new try.
                Err(_) => return,
            };
            let entry = self.connections.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            let is_ready = socket.set_nodelay(true).and_then(|()| {
                self.poll.registry().register(&mut socket, Token(entry.key()), interest)
            });
            if is_ready.is_ok() {
                entry.insert(Connection::new(socket));
            }
        }
    }

    fn look_at(&mut self, key: usize, event: &Event) {
        if event.is_writable()
            && let Some(connection) = self.connections.get_mut(key)
        {
            connection.write_rest();
        }
        if event.is_readable() || event.is_read_closed() {
            self.read(key);
        }
    }

    fn read(&mut self, key: usize) {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return };
            match connection.next(&mut self.read_buffer) {
                Input::Nothing => return,
                Input::Publish(message, members) => {
                    self.publish(&message, members);
                    if let Some(publisher) = self.connections.get_mut(key) {
                        publisher.send(http::ACCEPTED);
                    }
                }
                Input::Ended => {
                    self.connections.remove(key);
                    return;
                }
            }
        }
    }

    /// Sends a message, the JSON object of a POST, to this many clients.
    fn publish(&mut self, message: &[u8], members: usize) {
        let frame = connection::invocation(message);
        let connections = self.connections.iter_mut().map(|(_, connection)| connection);
        for connection in connections.filter(|one| one.is_client()).take(members) {
            connection.send(&frame);
        }
    }
}
