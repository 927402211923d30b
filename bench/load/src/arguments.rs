//! The arguments, and what they mean together.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::{
    failure::Failure,
    process::{self, Process},
    server::{Server, Way},
};

/// What is known about which message reached which connection takes a bit for each.
const MOST_DELIVERIES: u64 = 1 << 32;
/// Sockets and files beside those of clients and publishers.
const OTHER_FILES: u64 = 32;

/// Loads a SignalR server, checks what it delivers, and measures what that costs it.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    Broadcast(BroadcastArguments),
    /// Connect, shake hands and close, one connection after the other
    Connections(OneByOneArguments),
    /// Negotiate, one request after the other over one HTTP connection
    Negotiates(OneByOneArguments),
}

/// Which server, and how to reach it
#[derive(Args, Debug)]
pub(crate) struct ServerArguments {
    /// Connection string of a SignalR service with an access key; tokens are signed with it
    #[arg(long, value_name = "CONNECTION STRING", required_unless_present = "url", conflicts_with_all = ["url", "publish"])]
    service: Option<String>,

    /// Hub of that service
    #[arg(long, default_value = "bench")]
    hub: String,

    /// URL of a hub that wants no token, such as http://127.0.0.1:5000/chat
    #[arg(long)]
    url: Option<String>,

    /// URL that takes a POST of {"target","arguments"} and sends that to every client of the hub
    #[arg(long, value_name = "URL")]
    publish: Option<String>,

    /// Negotiate before each connection; without it a client goes straight to its WebSocket
    #[arg(long)]
    negotiate: bool,

    /// Process of the server, whose CPU time and memory are to be measured
    #[arg(long)]
    pid: Option<u32>,

    /// Seconds that the server has for each step, and after the last message for what is missing
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Hold connections and send messages to all of them
#[derive(Args, Debug)]
pub(crate) struct BroadcastArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,

    /// How many connections
    #[arg(short, long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=20_000))]
    connections: u64,

    /// How many messages; 0 to measure connecting and idle connections only
    #[arg(short, long, default_value_t = 100, value_parser = value_parser!(u64).range(..=100_000_000))]
    messages: u64,

    /// Bytes of text in each message
    #[arg(short, long, default_value_t = 100, value_parser = value_parser!(u64).range(..=1_000_000))]
    size: u64,

    /// Messages a second, sent when they are due
    #[arg(long, value_name = "MESSAGES A SECOND", conflicts_with_all = ["in_flight", "one_by_one"])]
    pace: Option<f64>,

    /// Messages that may wait for the answer to their POST at the same time
    #[arg(long, value_name = "MESSAGES", default_value_t = 1, value_parser = value_parser!(u64).range(1..=1000))]
    in_flight: u64,

    /// Send a message only after every connection has the one before
    #[arg(long, conflicts_with = "in_flight")]
    one_by_one: bool,
}

#[derive(Args, Debug)]
pub(crate) struct OneByOneArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,

    /// How many
    #[arg(short = 'n', long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=10_000_000))]
    count: u64,
}

/// When the next message may be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flow {
    /// One after each interval.
    Paced(Duration),
    /// While fewer than this many wait for the answer to their POST.
    InFlight(usize),
    /// After every connection has the one before.
    OneByOne,
}

/// A broadcast whose arguments fit together.
#[derive(Debug)]
pub(crate) struct BroadcastPlan {
    pub(crate) server: Server,
    pub(crate) process: Option<Process>,
    pub(crate) connections: usize,
    pub(crate) messages: usize,
    pub(crate) size: usize,
    pub(crate) flow: Flow,
}

#[derive(Debug)]
pub(crate) struct OneByOnePlan {
    pub(crate) server: Server,
    pub(crate) process: Option<Process>,
    pub(crate) count: u64,
}

impl BroadcastArguments {
    pub(crate) fn plan(&self) -> Result<BroadcastPlan, Failure> {
        let flow = self.flow()?;
        let publishers = flow.publishers() as u64;
        let most_files = process::most_open_files();
        if self.connections + publishers + OTHER_FILES > most_files {
            return Err(Failure::argument(format!(
                "--connections {}: a process may open {most_files} files here, so use at most {}",
                self.connections,
                most_files.saturating_sub(publishers + OTHER_FILES)
            )));
        }
        let most_messages = MOST_DELIVERIES / self.connections;
        if self.messages > most_messages {
            return Err(Failure::argument(format!(
                "--messages {}: to {} connections send at most {most_messages}",
                self.messages, self.connections
            )));
        }
        let server = self.server.server()?;
        if !server.can_publish() && self.messages > 0 {
            return Err(Failure::argument(
                "--publish is missing: give the URL that messages are POSTed to, or --messages 0",
            ));
        }
        Ok(BroadcastPlan {
            server,
            process: self.server.process()?,
            connections: self.connections as usize,
            messages: self.messages as usize,
            size: self.size as usize,
            flow,
        })
    }

    fn flow(&self) -> Result<Flow, Failure> {
        match self.pace {
            _ if self.one_by_one => Ok(Flow::OneByOne),
            None => Ok(Flow::InFlight(self.in_flight as usize)),
            Some(pace) if (0.01..=100_000.0).contains(&pace) => {
                Ok(Flow::Paced(Duration::from_secs_f64(1.0 / pace)))
            }
            Some(pace) => Err(Failure::argument(format!(
                "--pace {pace}: use a number of messages a second from 0.01 to 100000"
            ))),
        }
    }
}

impl Flow {
    /// How many POSTs may be under way at the same time.
    pub(crate) fn publishers(self) -> usize {
        match self {
            // More than one, so that a slow answer does not hold up the next message.
            Self::Paced(_) => 16,
            Self::InFlight(messages) => messages,
            Self::OneByOne => 1,
        }
    }
}

impl OneByOneArguments {
    pub(crate) fn plan(&self) -> Result<OneByOnePlan, Failure> {
        let server = self.server.server()?;
        Ok(OneByOnePlan { server, process: self.server.process()?, count: self.count })
    }
}

impl ServerArguments {
    fn server(&self) -> Result<Server, Failure> {
        let way = if self.negotiate { Way::Negotiate } else { Way::WebSocket };
        let timeout = Duration::from_secs(self.timeout);
        match (&self.service, &self.url) {
            (Some(service), _) => Server::of_service(service, &self.hub, way, timeout),
            (None, Some(url)) => Server::without_token(url, self.publish.as_deref(), way, timeout),
            (None, None) => Err(Failure::argument("give --service or --url")),
        }
    }

    fn process(&self) -> Result<Option<Process>, Failure> {
        self.pid.map(Process::new).transpose()
    }
}
