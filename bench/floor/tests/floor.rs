//! The floor, as seen by a client and a publisher.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A process that ends with the test.
struct Floor(Child);

impl Drop for Floor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Floor, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floor"));
    command.args(arguments);
    let mut floor = Floor(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(floor.0.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.map(Result::unwrap).take_while(|line| line != "ready").collect();
    let address = lines[0].split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    (floor, address)
}

fn exchange(socket: &mut TcpStream, request: &[u8], answer: &[u8]) {
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.write_all(request).unwrap();
    expect(socket, answer);
}

fn expect(socket: &mut TcpStream, answer: &[u8]) {
    let mut bytes = vec![0; answer.len()];
    socket.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(answer));
}

#[test]
fn a_post_reaches_the_clients() {
    let (_floor, address) = start(&[]);
    let mut client = TcpStream::connect(&address).unwrap();
    // Source of key and answer: RFC 6455, section 1.3.
    exchange(
        &mut client,
        b"GET /client?hub=x HTTP/1.1\r\nupgrade: websocket\r\n\
          sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
          sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
    exchange(&mut client, b"\x81\x83\0\0\0\0{}\x1e", b"\x81\x03{}\x1e");
    let mut publisher = TcpStream::connect(&address).unwrap();
    for _ in 0..2 {
        exchange(
            &mut publisher,
            b"POST /publish HTTP/1.1\r\ncontent-length: 14\r\n\r\n{\"target\":\"t\"}",
            b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        );
        expect(&mut client, b"\x81\x18{\"type\":1,\"target\":\"t\"}\x1e");
    }
    exchange(
        &mut publisher,
        b"POST /publish?members=0 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
    );
    exchange(
        &mut publisher,
        b"POST /publish?members=1 HTTP/1.1\r\ncontent-length: 14\r\n\r\n{\"target\":\"u\"}",
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
    );
    expect(&mut client, b"\x81\x18{\"type\":1,\"target\":\"u\"}\x1e");
    exchange(&mut publisher, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n");
}

#[test]
fn a_client_is_pinged_if_asked_for() {
    let (_floor, address) = start(&["--keep-alive", "1"]);
    let mut client = TcpStream::connect(&address).unwrap();
    exchange(&mut client, b"GET /client HTTP/1.1\r\nsec-websocket-key: x\r\n\r\n", b"HTTP/1.1 101");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        bytes.extend(byte);
    }
    exchange(&mut client, b"\x81\x83\0\0\0\0{}\x1e", b"\x81\x03{}\x1e");
    expect(&mut client, b"\x81\x0b{\"type\":6}\x1e");
}

#[test]
fn bad_arguments_end_with_64() {
    let output = Command::new(env!("CARGO_BIN_EXE_floor")).args(["--port", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
}
