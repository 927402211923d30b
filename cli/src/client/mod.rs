//! `signalr client`: the client of Azure's console sample, which prints what arrives.

mod call;
mod show;
mod target;

use std::{ffi::OsString, future::pending, num::NonZeroU64};

use clap::{Args, ValueEnum};
use signalr_client::{ConnectError, Connection, Event, Protocol, Reconnect, Transport};
use signalr_http_server::EndSignals;
use tokio::{sync::mpsc, task::JoinHandle};

use self::show::Show;
use crate::{
    access::{ServiceFlags, ShortHubFlag},
    failure::Failure,
    terminal::{Input, Lines},
};

/// How many results of calls may wait to be printed.
const QUEUED_RESULTS: usize = 64;

/// Connect as a user and print what arrives; typed commands call the hub's methods
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Client {
    /// User to connect as [default: no user]
    user: Option<String>,

    #[command(flatten)]
    service: ServiceFlags,

    #[command(flatten)]
    hub: ShortHubFlag,

    /// URL of a negotiate function, without /negotiate, or of a hub that needs no token; instead of a connection string
    #[arg(long, conflicts_with_all = ["connection_string", "hub"])]
    url: Option<String>,

    /// The only transport to use [default: the best that works]
    #[arg(long, value_enum)]
    transport: Option<TransportFlag>,

    /// Encoding of messages
    #[arg(long, value_enum, default_value_t = ProtocolFlag::Json)]
    protocol: ProtocolFlag,

    /// End if the connection is lost; do not connect again
    #[arg(long)]
    no_reconnect: bool,

    /// Continue without lost messages if only the transport broke
    #[arg(long)]
    stateful: bool,

    /// Print one JSON object for each thing that happens
    #[arg(long)]
    json: bool,

    /// Read no commands; the client then continues when the input ends
    #[arg(long)]
    listen: bool,

    /// End after this many messages
    #[arg(long, value_name = "MESSAGES")]
    count: Option<NonZeroU64>,
}

/// The transport of a connection.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TransportFlag {
    /// WebSockets
    Websockets,
    /// Server-sent events
    Sse,
    /// Long polling
    Polling,
}

/// The encoding of messages.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProtocolFlag {
    Json,
    Messagepack,
}

impl From<TransportFlag> for Transport {
    fn from(flag: TransportFlag) -> Self {
        match flag {
            TransportFlag::Websockets => Self::WebSockets,
            TransportFlag::Sse => Self::ServerSentEvents,
            TransportFlag::Polling => Self::LongPolling,
        }
    }
}

impl From<ProtocolFlag> for Protocol {
    fn from(flag: ProtocolFlag) -> Self {
        match flag {
            ProtocolFlag::Json => Self::Json,
            ProtocolFlag::Messagepack => Self::MessagePack,
        }
    }
}

impl Client {
    pub(crate) async fn run(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), Failure> {
        let signals = EndSignals::listen()?;
        let mut client = self.target(&environment)?.with_protocol(self.protocol.into());
        if let Some(transport) = self.transport {
            client = client.with_transports([transport.into()]);
        }
        if !self.no_reconnect {
            client = client.with_reconnect(Reconnect::default());
        }
        if self.stateful {
            client = client.with_stateful_reconnect();
        }
        let show = Show { as_json: self.json };
        let mut outcome = Ok(());
        signals
            .run(|ending| async {
                outcome = tokio::select! {
                    done = self.serve(client, show) => done,
                    () = ending => Ok(()),
                };
            })
            .await?;
        outcome
    }

    async fn serve(&self, client: signalr_client::Client, show: Show) -> Result<(), Failure> {
        let (connection, mut events) = client.connect().await.map_err(of_connecting)?;
        let mut lines = if self.listen { None } else { Some(Lines::open("", call::USAGES)?) };
        let is_script = lines.as_ref().is_some_and(|lines| !lines.is_terminal());
        print(&mut lines, &show.connected(connection.id().as_deref()))?;
        let (results, mut done) = mpsc::channel(QUEUED_RESULTS);
        let mut results = Some(results);
        let mut messages = 0;
        // A script's calls run one after the other. A person may type the next call while one runs.
        let mut running: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                event = events.next() => {
                    let Some(event) = event else { return Ok(()) };
                    let id = connection.id();
                    let closed = show::failure_of(&event);
                    let is_message = matches!(event, Event::Invocation(_));
                    print(&mut lines, &show.event(&event, id.as_deref()))?;
                    if let Some(outcome) = closed {
                        return outcome;
                    }
                    messages += u64::from(is_message);
                    if self.count.is_some_and(|count| messages >= count.get()) {
                        connection.close().await;
                        return Ok(());
                    }
                }
                input = next(&mut lines), if results.is_some() && running.is_none() => {
                    match input {
                        Input::Line(line) => match call::parse(&line) {
                            Ok(None) => {}
                            Ok(Some(call::Command::Quit)) => results = None,
                            Ok(Some(call::Command::Help)) => print(&mut lines, &call::help())?,
                            Ok(Some(command)) => {
                                let task = start(&connection, command, results.as_ref(), show);
                                running = task.filter(|_| is_script);
                            }
                            Err(problem) if is_script => return Err(Failure::Configuration(problem)),
                            Err(problem) => print(&mut lines, &format!("error: {problem}"))?,
                        },
                        Input::Failed(problem) => return Err(Failure::Start(problem)),
                        Input::End | Input::Interrupted => results = None,
                    }
                }
                () = ended(&mut running) => running = None,
                result = done.recv() => match result {
                    Some(Ok(text)) => print(&mut lines, &text)?,
                    Some(Err(failure)) if is_script => return Err(failure),
                    Some(Err(failure)) => print(&mut lines, &format!("error: {failure}"))?,
                    // All calls are done, and there will be no more.
                    None => {
                        connection.close().await;
                        return Ok(());
                    }
                },
            }
        }
    }
}

fn start(
    connection: &Connection,
    command: call::Command,
    results: Option<&mpsc::Sender<Result<String, Failure>>>,
    show: Show,
) -> Option<JoinHandle<()>> {
    let (connection, results) = (connection.clone(), results?.clone());
    Some(tokio::spawn(async move { call::run(&connection, command, &results, show).await }))
}

async fn ended(running: &mut Option<JoinHandle<()>>) {
    match running {
        // A call that panicked has ended too.
        Some(task) => drop(task.await),
        None => pending().await,
    }
}

async fn next(lines: &mut Option<Lines>) -> Input {
    match lines {
        Some(lines) => lines.next().await,
        None => pending().await,
    }
}

fn print(lines: &mut Option<Lines>, text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    match lines {
        Some(lines) => lines.print(text),
        None => crate::print::line(text),
    }
}

/// Turns a failed connect into a failure with an exit code.
pub(crate) fn of_connecting(error: ConnectError) -> Failure {
    let text = error.to_string();
    match &error {
        ConnectError::InvalidUrl { .. }
        | ConnectError::InvalidChoice(_)
        | ConnectError::Setup(_) => Failure::Configuration(text),
        ConnectError::Unreachable { .. } | ConnectError::TimedOut(_) => Failure::Unreachable(text),
        ConnectError::Refused { status, .. } => match status.as_u16() {
            401 | 403 => Failure::Refused(format!(
                "{text}; check the access key, and that the connection string is of this service"
            )),
            404 => Failure::NotFound(text),
            _ => Failure::Service(text),
        },
        ConnectError::Token(_) => Failure::Refused(text),
        _ => Failure::Service(text),
    }
}
