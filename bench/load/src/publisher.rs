//! Sends requests over one keep-alive connection, one at a time.

use std::{
    io::{ErrorKind, Read, Write},
    time::{Duration, Instant},
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::{
    failure::Failure,
    http::{self, Progress},
    server::Endpoint,
};

#[derive(Debug)]
pub(crate) struct Publisher {
    token: Token,
    /// `None` until the first request, and after the server has closed it.
    socket: Option<TcpStream>,
    waiting: Option<Waiting>,
}

/// A request without an answer.
#[derive(Debug)]
struct Waiting {
    sequence: u64,
    since: Instant,
    /// The bytes that the socket has not accepted yet.
    unsent: Vec<u8>,
    answer: Vec<u8>,
}

impl Publisher {
    pub(crate) fn new(token: Token) -> Self {
        Self { token, socket: None, waiting: None }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_none()
    }

    /// Connects before the first message.
    pub(crate) fn connect(
        &mut self,
        endpoint: &Endpoint,
        registry: &Registry,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let socket = endpoint.connect(timeout)?;
        let broken = |error: std::io::Error| Failure::server(format!("a publisher: {error}"));
        socket.set_nonblocking(true).map_err(broken)?;
        let mut socket = TcpStream::from_std(socket);
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, self.token, interest).map_err(broken)?;
        self.socket = Some(socket);
        Ok(())
    }

    pub(crate) fn post(
        &mut self,
        endpoint: &Endpoint,
        registry: &Registry,
        timeout: Duration,
        (sequence, body): (u64, &[u8]),
    ) -> Result<(), Failure> {
        let headers = "content-type: application/json\r\n";
        let request = http::request("POST", endpoint, headers, body);
        self.send(endpoint, registry, timeout, (sequence, request))
    }

    /// Sends a prepared request.
    pub(crate) fn send(
        &mut self,
        endpoint: &Endpoint,
        registry: &Registry,
        timeout: Duration,
        (sequence, unsent): (u64, Vec<u8>),
    ) -> Result<(), Failure> {
        if self.socket.is_none() {
            self.connect(endpoint, registry, timeout)?;
        }
        let since = Instant::now();
        self.waiting = Some(Waiting { sequence, since, unsent, answer: Vec::new() });
        self.write()
    }

    /// Writes and reads as much as possible. If a request was answered, returns its number.
    pub(crate) fn look(&mut self) -> Result<Option<u64>, Failure> {
        self.write()?;
        let is_end = self.read()?;
        if is_end {
            self.socket = None;
        }
        let Some(waiting) = &self.waiting else { return Ok(None) };
        let sequence = waiting.sequence;
        let wrong =
            |text: String| Failure::server(format!("request {sequence} was sent, but {text}"));
        match http::parse(&waiting.answer, is_end)
            .map_err(|problem| wrong(format!("the server cannot be used: {problem}")))?
        {
            Progress::Cut => Ok(None),
            Progress::Whole(answer, _) if (200..300).contains(&answer.status) => {
                self.waiting = None;
                if !answer.stays_open {
                    self.socket = None;
                }
                Ok(Some(sequence))
            }
            Progress::Whole(answer, _) => {
                Err(wrong(format!("the server answered {}", answer.shown())))
            }
        }
    }

    pub(crate) fn check_time(&self, now: Instant, timeout: Duration) -> Result<(), Failure> {
        match &self.waiting {
            Some(waiting) if now.saturating_duration_since(waiting.since) > timeout => {
                Err(Failure::server(format!(
                    "request {} was sent and not answered in {} s (flag --timeout)",
                    waiting.sequence,
                    timeout.as_secs()
                )))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self) -> Result<(), Failure> {
        let (Some(socket), Some(waiting)) = (&mut self.socket, &mut self.waiting) else {
            return Ok(());
        };
        while !waiting.unsent.is_empty() {
            match socket.write(&waiting.unsent) {
                Ok(0) => return Err(Failure::server("a request broke off")),
                Ok(written) => drop(waiting.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::server(format!("a request broke off: {error}"))),
            }
        }
        Ok(())
    }

    /// Returns whether the server closed the connection.
    fn read(&mut self) -> Result<bool, Failure> {
        let Some(socket) = &mut self.socket else { return Ok(false) };
        let mut buffer = [0; 4096];
        loop {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(read) => {
                    if let Some(waiting) = &mut self.waiting {
                        waiting.answer.extend_from_slice(&buffer[..read]);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A server may drop an idle connection.
                Err(_) if self.waiting.is_none() => return Ok(true),
                Err(error) => return Err(Failure::server(format!("a request broke off: {error}"))),
            }
        }
    }
}
