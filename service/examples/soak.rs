//! Holds idle connections for a while, broadcasts to them at a steady pace, and checks that each
//! gets every message once and in order. Prints the service's memory as it goes.
//!
//! ```text
//! cargo run --release -p signalr-service --example soak -- target/release/signalr 1000 60 100
//! ```
//!
//! The arguments are the `signalr` binary, connections, seconds, and milliseconds from one
//! broadcast to the next. All traffic stays on this machine.

#![allow(clippy::print_stdout, reason = "a tool for people")]

use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use signalr_serverless::{
    ConnectionString, HubName, NegotiateOptions, Negotiator,
    rest::{Message, RestClient},
};
use tokio::{task::JoinSet, time::interval};
use tokio_tungstenite::{connect_async, tungstenite};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().unwrap_or_else(|| "target/release/signalr".to_owned());
    let connections: u64 = number(arguments.next(), 1000)?;
    let seconds: u64 = number(arguments.next(), 60)?;
    let pace = Duration::from_millis(number(arguments.next(), 100)?);

    let (service, connection_string) = Service::start(&binary)?;
    let hub = HubName::parse("soak")?;
    let url = client_url(&connection_string, &hub).await?;
    let messages = seconds * 1000 / pace.as_millis().max(1) as u64;
    let received = Arc::new(AtomicU64::new(0));
    let empty = service.memory()?;
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let socket = connect(&url).await?;
        clients.spawn(listen(socket, messages, Arc::clone(&received)));
    }
    println!("{connections} connections: {} KiB, {empty} KiB before them", service.memory()?);

    let hub = RestClient::new(&connection_string)?.hub(hub);
    let start = Instant::now();
    let mut ticks = interval(pace);
    for number in 0..messages {
        ticks.tick().await;
        hub.broadcast(&Message::new("tick", &[number])?).await?;
        if (number + 1) % (messages / 6).max(1) == 0 {
            let (at, got) = (start.elapsed().as_secs(), received.load(Relaxed));
            println!("{at:>4} s  {got:>9} received  {:>6} KiB", service.memory()?);
        }
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    println!(
        "{messages} messages to {connections} connections: {} received, none lost, none out of order",
        received.load(Relaxed)
    );
    Ok(())
}

fn number<T: FromStr>(argument: Option<String>, default: T) -> Result<T, T::Err> {
    argument.map_or(Ok(default), |text| text.parse())
}

async fn client_url(service: &ConnectionString, hub: &HubName) -> Result<String, Failure> {
    let negotiator = Negotiator::new(service)?;
    let answer = negotiator.negotiate(hub, &NegotiateOptions::default(), SystemTime::now()).await?;
    let url = answer.url.replacen("http", "ws", 1);
    Ok(format!("{url}&access_token={}", answer.access_token.as_str()))
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(url: &str) -> Result<Socket, Failure> {
    let (mut socket, _) = connect_async(url).await?;
    socket.send(text("{\"protocol\":\"json\",\"version\":1}\u{1e}")).await?;
    match socket.next().await {
        Some(Ok(tungstenite::Message::Text(reply))) if reply.as_str() == "{}\u{1e}" => Ok(socket),
        other => Err(format!("no handshake but {other:?}").into()),
    }
}

/// Expects the numbers from 0 up to `messages`, and pings as stock clients do.
async fn listen(
    mut socket: Socket,
    messages: u64,
    received: Arc<AtomicU64>,
) -> Result<(), Failure> {
    let mut pings = interval(Duration::from_secs(15));
    let mut expected = 0;
    while expected < messages {
        let frame = tokio::select! {
            frame = socket.next() => frame.ok_or("the connection ended")??,
            _ = pings.tick() => {
                socket.send(text("{\"type\":6}\u{1e}")).await?;
                continue;
            }
        };
        for record in frame.to_text()?.split_terminator('\u{1e}') {
            let message: Value = serde_json::from_str(record)?;
            match message["type"].as_u64() {
                Some(1) if message["arguments"][0] == expected => {
                    expected += 1;
                    received.fetch_add(1, Relaxed);
                }
                Some(6) => {}
                _ => return Err(format!("expected number {expected}, but came {record}").into()),
            }
        }
    }
    Ok(())
}

fn text(text: &str) -> tungstenite::Message {
    tungstenite::Message::text(text.to_owned())
}

/// The service in a process of its own, so that its memory is its own.
struct Service(Child);

impl Service {
    fn start(binary: &str) -> Result<(Self, ConnectionString), Failure> {
        let child =
            Command::new(binary).args(["serve", "--port", "0"]).stdout(Stdio::piped()).spawn()?;
        let mut service = Self(child);
        let output = service.0.stdout.take().ok_or("the service has no output")?;
        let mut connection_string = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(at) = line.find("Endpoint=") {
                connection_string = Some(ConnectionString::parse(&line[at..])?);
            }
            if line == "ready" {
                break;
            }
        }
        Ok((service, connection_string.ok_or("the service printed no connection string")?))
    }

    /// The memory that the service holds, in KiB.
    fn memory(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
