//! The arguments, and the checks that they fit together.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use crate::{
    dialect::Dialect,
    failure::Failure,
    http, process,
    processes::Processes,
    recipients::Recipients,
    server::{Endpoint, Server, Transport, Ways},
};

/// The load keeps one bit for each delivery, so this bounds its memory.
const MOST_DELIVERIES: u64 = 1 << 32;
/// Further sockets and files, in addition to those of clients and publishers.
const OTHER_FILES: u64 = 32;

/// Loads a SignalR server, checks its deliveries, and measures their cost.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    Broadcast(BroadcastArguments),
    Calls(CallsArguments),
    /// Connect, shake hands and close, one connection after the other
    Connections(OneByOneArguments),
    /// Negotiate, one request after the other over one HTTP connection
    Negotiates(OneByOneArguments),
}

/// Which server, and how to reach it
#[derive(Args, Debug)]
pub(crate) struct ServerArguments {
    /// Connection string of a SignalR service with an access key, which signs the tokens. Repeatable:
    /// clients connect to each in turn
    #[arg(long, value_name = "CONNECTION STRING", required_unless_present = "url", conflicts_with_all = ["url", "publish"])]
    service: Vec<String>,

    /// Connection string of the node that messages are POSTed to, if it is not the first --service
    #[arg(long, value_name = "CONNECTION STRING", requires = "service")]
    callers_at: Option<String>,

    /// Hub of that service
    #[arg(long, default_value = "bench")]
    hub: String,

    /// URL of a hub that needs no token, such as http://127.0.0.1:5000/chat
    #[arg(long)]
    url: Option<String>,

    /// URL that accepts a POST of {"target","arguments"} and sends it to every client of the hub
    #[arg(long, value_name = "URL")]
    publish: Option<String>,

    /// Negotiate before each connection; without this flag a client opens its WebSocket directly
    #[arg(long)]
    negotiate: bool,

    /// Process id of the server, to measure its CPU time and memory. Repeatable
    #[arg(long)]
    pid: Vec<u32>,

    /// Seconds that the server has for each step, and for missing deliveries after the last message
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Hold connections and send messages to all or some of them
#[derive(Args, Debug)]
pub(crate) struct BroadcastArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,

    /// How many connections
    #[arg(short, long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=20_000))]
    connections: u64,

    /// How many messages; 0 measures only connecting and idle connections
    #[arg(short, long, default_value_t = 100, value_parser = value_parser!(u64).range(..=100_000_000))]
    messages: u64,

    /// Bytes of text in each message
    #[arg(short, long, default_value_t = 100, value_parser = value_parser!(u64).range(..=1_000_000))]
    size: u64,

    /// Messages a second; each is sent when it is due
    #[arg(long, value_name = "MESSAGES A SECOND", conflicts_with_all = ["in_flight", "one_by_one"])]
    pace: Option<f64>,

    /// Messages that may wait for the answer to their POST at the same time
    #[arg(long, value_name = "MESSAGES", default_value_t = 1, value_parser = value_parser!(u64).range(1..=1000))]
    in_flight: u64,

    /// Send a message only after every connection has the message before
    #[arg(long, conflicts_with = "in_flight")]
    one_by_one: bool,

    /// Protocol of the connections
    #[arg(long, value_enum, default_value_t)]
    dialect: Dialect,

    /// Transport of the messages to the clients
    #[arg(long, value_enum, default_value_t)]
    transport: Transport,

    /// Recipients of the messages
    #[arg(long, value_enum, default_value_t)]
    to: To,

    /// Members of the group that gets the messages: the first clients
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=20_000))]
    members: u64,

    /// Minimum seconds that the connections are held, counted from the first message
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = value_parser!(u64).range(..=3600))]
    hold: u64,
}

/// The recipients of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum To {
    #[default]
    All,
    /// A group with some of the clients; the URL of --publish must send to the first clients
    Group,
    /// One user after the other; each client is a user
    Users,
    /// One group after the other; each client is alone in a group
    Groups,
}

/// Send one request again and again
#[derive(Args, Debug)]
pub(crate) struct CallsArguments {
    /// URL to call
    #[arg(long)]
    url: String,

    /// JSON body of the POST
    #[arg(long, default_value = "")]
    body: String,

    /// More headers, such as 'authorization: Bearer …'
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// How many calls
    #[arg(short = 'n', long, default_value_t = 10_000, value_parser = value_parser!(u64).range(1..=100_000_000))]
    count: u64,

    /// Calls that may wait for their answer at the same time, each on its own connection
    #[arg(long, value_name = "CALLS", default_value_t = 16, value_parser = value_parser!(u64).range(1..=1000))]
    in_flight: u64,

    /// Method of the request
    #[arg(long, default_value = "POST")]
    method: String,

    /// Process id of the server, to measure its CPU time and memory. Repeatable
    #[arg(long)]
    pid: Vec<u32>,

    /// Seconds that the server has for each call
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct OneByOneArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,

    /// How many
    #[arg(short = 'n', long, default_value_t = 1000, value_parser = value_parser!(u64).range(1..=10_000_000))]
    count: u64,

    /// Let each be another user
    #[arg(long, requires = "service")]
    users: bool,
}

/// When the next message may be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flow {
    /// One after each interval.
    Paced(Duration),
    /// While fewer than this many wait for the answer to their POST.
    InFlight(usize),
    /// After every connection has the message before.
    OneByOne,
}

/// The plan of a broadcast. Its arguments fit together.
#[derive(Debug)]
pub(crate) struct BroadcastPlan {
    pub(crate) server: Server,
    pub(crate) processes: Processes,
    pub(crate) connections: usize,
    pub(crate) messages: usize,
    pub(crate) size: usize,
    pub(crate) flow: Flow,
    pub(crate) recipients: Recipients,
    /// Whether this program puts the clients into groups by REST before it sends.
    pub(crate) puts_into_groups: bool,
    pub(crate) hold: Duration,
}

/// The plan of calls. Their arguments fit together.
#[derive(Debug)]
pub(crate) struct CallsPlan {
    pub(crate) endpoint: Endpoint,
    pub(crate) request: Vec<u8>,
    pub(crate) processes: Processes,
    pub(crate) count: u64,
    pub(crate) in_flight: usize,
    pub(crate) timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct OneByOnePlan {
    pub(crate) server: Server,
    pub(crate) processes: Processes,
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
        if self.server.negotiate && self.dialect == Dialect::SocketIo {
            return Err(Failure::argument(
                "--negotiate: Socket.IO has no negotiation of this kind",
            ));
        }
        if self.transport != Transport::WebSocket && self.dialect != Dialect::Json {
            return Err(Failure::argument("--transport: only JSON goes by events and polls here"));
        }
        let recipients = self.recipients()?;
        let server = self.server.server(recipients, self.transport, self.dialect)?;
        if !server.can_publish() && self.messages > 0 {
            return Err(Failure::argument(
                "--publish is missing: give the URL that messages are POSTed to, or --messages 0",
            ));
        }
        Ok(BroadcastPlan {
            server,
            processes: self.server.processes()?,
            connections: self.connections as usize,
            messages: self.messages as usize,
            size: self.size as usize,
            flow,
            recipients,
            puts_into_groups: !self.server.service.is_empty(),
            hold: Duration::from_secs(self.hold),
        })
    }

    fn recipients(&self) -> Result<Recipients, Failure> {
        let connections = self.connections as usize;
        if matches!(self.to, To::Users | To::Groups) && self.server.service.is_empty() {
            return Err(Failure::argument("--to: only a --service has users and groups"));
        }
        match self.to {
            To::All => Ok(Recipients::All),
            To::Group if self.members <= self.connections => {
                Ok(Recipients::Group(self.members as usize))
            }
            To::Group => Err(Failure::argument(format!(
                "--members {}: there are {connections} connections",
                self.members
            ))),
            To::Users => Ok(Recipients::EachUser(connections)),
            To::Groups => Ok(Recipients::EachGroup(connections)),
        }
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
        // Nothing is sent to them, so one path to publish to is enough.
        let recipients = if self.users { Recipients::EachUser(1) } else { Recipients::All };
        let server = self.server.server(recipients, Transport::WebSocket, Dialect::Json)?;
        Ok(OneByOnePlan { server, processes: self.server.processes()?, count: self.count })
    }
}

impl CallsArguments {
    pub(crate) fn plan(&self) -> Result<CallsPlan, Failure> {
        let endpoint = Endpoint::parse("--url", &self.url)?;
        let mut headers = "content-type: application/json\r\n".to_owned();
        for header in &self.header {
            if !header.contains(": ") || header.contains(['\r', '\n']) {
                return Err(Failure::argument("--header: use one such as 'x-name: value'"));
            }
            headers.extend([header, "\r\n"]);
        }
        let request = http::request(&self.method, &endpoint, &headers, self.body.as_bytes());
        Ok(CallsPlan {
            endpoint,
            request,
            processes: Processes::new(&self.pid)?,
            count: self.count,
            in_flight: self.in_flight as usize,
            timeout: Duration::from_secs(self.timeout),
        })
    }
}

impl ServerArguments {
    fn server(
        &self,
        recipients: Recipients,
        transport: Transport,
        dialect: Dialect,
    ) -> Result<Server, Failure> {
        let timeout = Duration::from_secs(self.timeout);
        let ways = Ways { negotiates: self.negotiate, transport, dialect, timeout };
        match (self.service.first(), &self.url) {
            (Some(first), _) => {
                let callers_at = self.callers_at.as_ref().unwrap_or(first);
                Server::of_service(&self.service, callers_at, &self.hub, recipients, ways)
            }
            (None, Some(url)) => Server::without_token(url, self.publish.as_deref(), ways),
            (None, None) => Err(Failure::argument("give --service or --url")),
        }
    }

    fn processes(&self) -> Result<Processes, Failure> {
        Processes::new(&self.pid)
    }
}
