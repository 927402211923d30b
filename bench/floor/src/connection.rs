//! One socket: HTTP at first, a WebSocket after its upgrade.

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
};

use mio::net::TcpStream;

use crate::http::{self, Request};

/// The answer to a SignalR handshake, in a text frame.
const HANDSHAKE_ANSWER: &[u8] = b"\x81\x03{}\x1e";
const CLOSE: u8 = 0x8;
/// A client that lets this much wait is given up.
const MOST_WAITING: usize = 64 * 1024 * 1024;

pub(crate) struct Connection {
    socket: TcpStream,
    stage: Stage,
    /// What the socket did not take. `None` while it keeps up.
    waiting: Option<Vec<u8>>,
}

enum Stage {
    /// With what came of the next request.
    Http(Vec<u8>),
    /// A WebSocket without a handshake.
    Upgraded,
    /// A client that gets messages.
    Client,
    /// Refused or broken; to be dropped.
    Ended,
}

/// What a look at the socket brought.
pub(crate) enum Input {
    Nothing,
    Publish(Vec<u8>),
    Ended,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, stage: Stage::Http(Vec::new()), waiting: None }
    }

    pub(crate) fn is_client(&self) -> bool {
        matches!(self.stage, Stage::Client)
    }

    /// Reads until a message is to be published or nothing is left.
    pub(crate) fn next(&mut self, buffer: &mut [u8]) -> Input {
        loop {
            if let Some(message) = self.take_request() {
                return Input::Publish(message);
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
            // Clients send pings only, which need no answer.
            Stage::Client | Stage::Ended => {}
        }
    }

    /// Takes the next request: does an upgrade, or returns what is to be published.
    fn take_request(&mut self) -> Option<Vec<u8>> {
        let Stage::Http(bytes) = &mut self.stage else { return None };
        match http::parse(bytes) {
            Ok(None) => None,
            Ok(Some(Request::Publish { body, length })) => {
                let message = body.to_vec();
                bytes.drain(..length);
                Some(message)
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

    /// The first bytes of a client are its handshake.
    fn greet(&mut self) {
        self.send(HANDSHAKE_ANSWER);
        self.stage = Stage::Client;
    }

    /// Writes, and keeps what the socket does not take.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let written = match self.waiting {
            Some(_) => 0,
            // A broken socket is found by its reading side.
            None => self.socket.write(bytes).unwrap_or(0),
        };
        if written < bytes.len() {
            let waiting = self.waiting.get_or_insert_default();
            waiting.extend_from_slice(&bytes[written..]);
            if waiting.len() > MOST_WAITING {
                self.stage = Stage::Ended;
                self.waiting = None;
                // The reading side finds out, and the connection is dropped.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// Writes what waits, now that the socket takes more.
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

/// The frame of an invocation: the POST's JSON object with the type of the message in front.
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
