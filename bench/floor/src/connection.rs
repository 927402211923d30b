//! One socket: HTTP at first, a WebSocket after its upgrade.

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
};

use mio::net::TcpStream;

use crate::http::{self, Request};

/// The answer to a SignalR handshake, in a text frame.
const HANDSHAKE_ANSWER: &[u8] = b"\x81\x03{}\x1e";
/// SignalR's ping, in a text frame.
pub(crate) const PING: &[u8] = b"\x81\x0b{\"type\":6}\x1e";
const CLOSE: u8 = 0x8;
/// If more bytes than this wait for a client, its connection is closed.
const MOST_WAITING: usize = 64 * 1024 * 1024;

pub(crate) struct Connection {
    socket: TcpStream,
    stage: Stage,
    /// The bytes that the socket has not accepted. `None` while it accepts everything.
    waiting: Option<Vec<u8>>,
}

enum Stage {
    /// HTTP, with the bytes of the next request so far.
    Http(Vec<u8>),
    /// A WebSocket without a handshake.
    Upgraded,
    /// A client that gets messages.
    Client,
    /// Refused or broken. The connection will be dropped.
    Ended,
}

/// The result of a look at the socket.
pub(crate) enum Input {
    Nothing,
    /// A message, and how many of the first clients get it.
    Publish(Vec<u8>, usize),
    Ended,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, stage: Stage::Http(Vec::new()), waiting: None }
    }

    pub(crate) fn is_client(&self) -> bool {
        matches!(self.stage, Stage::Client)
    }

    /// Reads until there is a message to publish or no more input.
    pub(crate) fn next(&mut self, buffer: &mut [u8]) -> Input {
        loop {
            if let Some((message, members)) = self.take_request() {
                return Input::Publish(message, members);
            }
            if matches!(self.stage, Stage::Ended) {
                return Input::Ended;
            }
            match self.socket.read(buffer) {
                Ok(0) => return Input::Ended,
                Ok(read) => self.receive(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Input::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Input::Ended,
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        match &mut self.stage {
            Stage::Http(request) => request.extend_from_slice(bytes),
            _ if bytes[0] & 0x0f == CLOSE => self.stage = Stage::Ended,
            Stage::Upgraded => self.greet(),
            // Clients send only pings, which need no answer.
            Stage::Client | Stage::Ended => {}
        }
    }

    /// Takes the next request: does an upgrade, or returns a message to publish.
    fn take_request(&mut self) -> Option<(Vec<u8>, usize)> {
        let Stage::Http(bytes) = &mut self.stage else { return None };
        match http::parse(bytes) {
            Ok(None) => None,
            Ok(Some(Request::Publish { body, members, length })) => {
                let message = body.to_vec();
                bytes.drain(..length);
                Some((message, members))
            }
            Ok(Some(Request::Upgrade { answer, length })) => {
                let has_more = bytes.len() > length;
                self.stage = Stage::Upgraded;
                self.send(answer.as_bytes());
                if has_more {
                    self.greet();
                }
                None
            }
            Err(_) => {
                self.send(http::BAD_REQUEST);
                self.stage = Stage::Ended;
                None
            }
        }
    }

    /// Answers the handshake. The first bytes of a client are its handshake.
    fn greet(&mut self) {
        self.send(HANDSHAKE_ANSWER);
        self.stage = Stage::Client;
    }

    /// Writes the bytes, and keeps those that the socket does not accept.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let written = match self.waiting {
            Some(_) => 0,
            // If the socket is broken, the next read finds out.
            None => self.socket.write(bytes).unwrap_or(0),
        };
        if written < bytes.len() {
            let waiting = self.waiting.get_or_insert_default();
            waiting.extend_from_slice(&bytes[written..]);
            if waiting.len() > MOST_WAITING {
                self.stage = Stage::Ended;
                self.waiting = None;
                // The next read finds out, and the connection is dropped.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// Writes the waiting bytes, now that the socket accepts more.
    pub(crate) fn write_rest(&mut self) {
        while let Some(waiting) = &mut self.waiting {
            match self.socket.write(waiting) {
                Ok(written) => {
                    waiting.drain(..written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
            if waiting.is_empty() {
                self.waiting = None;
            }
        }
    }
}

/// The frame of an invocation: the POST's JSON object with the message type added at its start.
pub(crate) fn invocation(object: &[u8]) -> Vec<u8> {
    let record = [b"{\"type\":1,", &object[1..], b"\x1e"].concat();
    let mut frame = vec![0x81];
    match u16::try_from(record.len()) {
        Ok(length @ 0..=125) => frame.push(length as u8),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((record.len() as u64).to_be_bytes());
        }
    }
    frame.extend(record);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_their_length() {
        for (text, head) in [(10, 2), (200, 4), (70_000, 10)] {
            let object = format!("{{\"target\":\"{}\"}}", "x".repeat(text));
            let frame = invocation(object.as_bytes());
            assert_eq!(frame.len(), head + 10 + object.len(), "{text}");
            assert!(frame[head..].starts_with(b"{\"type\":1,\"target\""), "{text}");
        }
    }
}
