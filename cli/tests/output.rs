//! Tests of a command whose output nobody reads.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs::OpenOptions,
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How many bytes a pipe holds on Linux by default.
const PIPE: usize = 64 * 1024;
const LONG: Duration = Duration::from_secs(60);

/// A pipe that has no room left.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&vec![b'.'; PIPE]).unwrap();
    (reader, writer)
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// A running service, which ends with the test.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    /// Starts the service on a port that is free now, with this output and a log at this level.
    fn start(output: impl Into<Stdio>, errors: impl Into<Stdio>, level: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_signalr"))
            .args(["serve", "--ip", "127.0.0.1", "--port", &port.to_string()])
            .env_clear()
            .env("RUST_LOG", level)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// Waits for a line of the log.
    fn logs(&mut self, text: &str) {
        let lines = BufReader::new(self.child.stderr.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains(text)), "no '{text}'");
    }

    fn is_healthy(&self) -> bool {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let head = "GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200 ")
    }

    /// Ends the service by a signal.
    fn end(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // This fails only if the service has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_full_disk_under_standard_output_is_logged_and_the_service_runs() {
    let mut service = Service::start(full_disk(), Stdio::piped(), "warn");
    service.logs("nothing can be written to standard output");
    assert!(service.is_healthy());
    service.end();
}

#[test]
fn standard_output_that_nobody_reads_stops_nothing() {
    let (mut reader, writer) = full_pipe();
    let mut service = Service::start(writer, Stdio::piped(), "info");
    service.logs("ready");
    assert!(service.is_healthy());
    reader.read_exact(&mut vec![0; PIPE]).unwrap();
    let lines = BufReader::new(reader).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"), "it is said late");
    service.end();
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let (_reader, writer) = full_pipe();
    let mut service = Service::start(Stdio::piped(), writer, "trace");
    let lines = BufReader::new(service.child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    for _ in 0..100 {
        assert!(service.is_healthy());
    }
    service.end();
}

#[test]
fn a_full_disk_under_the_log_stops_nothing() {
    let mut service = Service::start(Stdio::piped(), full_disk(), "trace");
    let lines = BufReader::new(service.child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    assert!(service.is_healthy());
    service.end();
}
