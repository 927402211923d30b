//! A SignalR server of a few lines. It makes each of the given faults once.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tungstenite::{Message, WebSocket};

/// A fault at one client with one message. Both are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Lose {
        client: usize,
        message: usize,
    },
    /// The message comes after the next message.
    Swap {
        client: usize,
        message: usize,
    },
    Repeat {
        client: usize,
        message: usize,
    },
    Damage {
        client: usize,
        message: usize,
    },
    CloseWithReason {
        client: usize,
        message: usize,
    },
}

/// How POSTs are answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answering {
    /// 202, and the connection stays open.
    KeepAlive,
    /// As HTTP/1.0: without a length, and the connection ends.
    Closing,
    Refusing,
    Never,
}

/// The addresses of hub and publisher.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) hub: SocketAddr,
    pub(crate) publish: SocketAddr,
}

#[derive(Default)]
struct Shared {
    clients: Vec<WebSocket<TcpStream>>,
    /// The record that each client has still to get.
    held: Vec<String>,
    published: usize,
}

impl Server {
    /// Starts the server. Its threads end with the test's process.
    pub(crate) fn start(faults: &[Fault], answering: Answering) -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let hub_clients = Arc::clone(&shared);
        let hub = listen(move |socket| take_client(socket, &hub_clients));
        let faults = faults.to_vec();
        let publish =
            listen(move |socket| take_posts(socket, &shared, &faults, answering).unwrap_or(()));
        Self { hub, publish }
    }

    /// The arguments with which a load reaches this server.
    pub(crate) fn arguments(self) -> [String; 4] {
        let Self { hub, publish } = self;
        let publish = format!("http://{publish}/send?to=all");
        ["--url".to_owned(), format!("http://{hub}/hub?a=b"), "--publish".to_owned(), publish]
    }
}

/// Listens on a new port and serves each connection in a thread.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(socket));
        }
    });
    address
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_client(mut socket: TcpStream, shared: &Mutex<Shared>) {
    let mut start = [0; 4];
    socket.peek(&mut start).unwrap();
    if &start == b"POST" {
        let body = r#"{"negotiateVersion":1,"connectionId":"c","connectionToken":"a/b"}"#;
        let mut request = Vec::new();
        read_request(&mut socket, &mut request).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all((head + body).as_bytes()).unwrap();
        return;
    }
    let mut client = tungstenite::accept(socket).unwrap();
    let handshake = client.read().unwrap();
    assert_eq!(handshake.to_text().unwrap(), "{\"protocol\":\"json\",\"version\":1}\u{1e}");
    let mut shared = lock(shared);
    // The ping after the answer must not count as a message.
    client.send(Message::text("{}\u{1e}{\"type\":6}\u{1e}")).unwrap();
    shared.clients.push(client);
    shared.held.push(String::new());
}

fn take_posts(
    mut socket: TcpStream,
    shared: &Mutex<Shared>,
    faults: &[Fault],
    answering: Answering,
) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let body = read_request(&mut socket, &mut bytes)?;
        match answering {
            Answering::Never => continue,
            Answering::Refusing => {
                let answer = "HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\nfull";
                socket.write_all(answer.as_bytes()).ok()?;
                continue;
            }
            Answering::KeepAlive | Answering::Closing => lock(shared).publish(&body, faults),
        }
        if matches!(answering, Answering::Closing) {
            return socket.write_all(b"HTTP/1.0 200 OK\r\n\r\ndone").ok();
        }
        socket.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

/// The body of the next request.
fn read_request(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<String> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(start) = head.parse(bytes).unwrap() {
            let length = head.headers.iter().find(|header| header.name == "content-length");
            let length = std::str::from_utf8(length.unwrap().value).unwrap();
            let end = start + length.parse::<usize>().unwrap();
            if bytes.len() >= end {
                let body = String::from_utf8(bytes[start..end].to_vec()).unwrap();
                bytes.drain(..end);
                return Some(body);
            }
        }
        let mut buffer = [0; 4096];
        let read = socket.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
}

impl Shared {
    fn publish(&mut self, body: &str, faults: &[Fault]) {
        let message = self.published;
        self.published += 1;
        let record = format!("{{\"type\":1,{}\u{1e}", &body[1..]);
        for (client, socket) in self.clients.iter_mut().enumerate() {
            let held = std::mem::take(&mut self.held[client]);
            let is = |fault: Fault| faults.contains(&fault);
            let payload = if is(Fault::Lose { client, message }) {
                held
            } else if is(Fault::Swap { client, message }) {
                self.held[client] = record.clone();
                held
            } else if is(Fault::Repeat { client, message }) {
                record.clone() + &record
            } else if is(Fault::Damage { client, message }) {
                record.replacen("xx", "xy", 1)
            } else if is(Fault::CloseWithReason { client, message }) {
                let close = "{\"type\":7,\"error\":\"enough of it\"}\u{1e}";
                let _ = socket.send(Message::text(close));
                let _ = socket.close(None);
                continue;
            } else {
                record.clone() + &held
            };
            if !payload.is_empty() {
                // A closed client accepts no more messages.
                let _ = socket.send(Message::text(payload));
            }
        }
    }
}
