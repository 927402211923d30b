//! The task of a connection: it reads, sends, checks time limits, and connects again.

mod calls;
mod deliveries;
mod link;
mod reliable;
mod resume;

use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use self::{
    deliveries::Deliveries,
    link::{End, Link},
};
use crate::{
    command::{Caller, Command, Commands, Waiter},
    connection::{Connection, SharedId},
    error::CallError,
    event::{Closed, Event, Events},
    open::{self, Opened},
    options::Options,
    transport::Transport,
};

/// How many calls may wait for the task.
const QUEUED_COMMANDS: usize = 32;
/// How long the goodbye may take.
const GOODBYE_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Starts the task of a connection that is open.
pub(crate) fn start(client: Options, opened: Opened) -> (Connection, Events) {
    let (command_sender, commands) = mpsc::channel(QUEUED_COMMANDS);
    let (closes_sender, closes) = mpsc::channel(1);
    let (event_sender, events) = mpsc::channel(client.queued_events);
    let id = SharedId::default();
    // The id is set before the task runs for the first time.
    id.set(opened.connection_id.as_deref());
    let caller = Caller { commands: command_sender, protocol: client.protocol };
    let connection = Connection { caller, closes: closes_sender, id: id.clone() };
    let driver = Driver {
        client,
        commands: Commands { calls: commands, closes },
        deliveries: Deliveries::new(event_sender),
        id,
    };
    tokio::spawn(driver.run(opened));
    (connection, Events(events))
}

struct Driver {
    client: Options,
    commands: Commands,
    deliveries: Deliveries,
    id: SharedId,
}

impl Driver {
    async fn run(mut self, mut opened: Opened) {
        let waiter = loop {
            self.id.set(opened.connection_id.as_deref());
            let (end, transport) = self.serve(opened).await;
            let (closed, may_reconnect) = match end {
                End::ByClient(waiter) => {
                    // The server may be gone already.
                    let _ = timeout(GOODBYE_LIMIT, transport.close()).await;
                    self.deliveries.event(Event::Closed(Closed::ByClient));
                    break waiter;
                }
                End::ByServer { error, allow_reconnect } => {
                    // As above.
                    let _ = timeout(GOODBYE_LIMIT, transport.close()).await;
                    (Closed::ByServer(error), allow_reconnect)
                }
                End::Lost(reason) => (Closed::Lost(reason), true),
                End::Protocol(problem) => (Closed::Lost(problem), false),
            };
            if !may_reconnect || self.client.reconnect.is_none() {
                self.deliveries.event(Event::Closed(closed));
                break None;
            }
            match self.reconnect(closed).await {
                Ok(again) => opened = again,
                Err(waiter) => break waiter,
            }
        };
        // No call is taken from here on. Waiting calls learn that the connection has ended.
        self.commands.closes.close();
        self.commands.calls.close();
        while let Some(command) = self.commands.calls.recv().await {
            refuse(command, &CallError::Closed);
        }
        drop(waiter);
        self.deliveries.deliver_all().await;
    }

    /// Serves a connection over all its transports, to its end.
    async fn serve(&mut self, opened: Opened) -> (End, Transport) {
        let Self { client, commands, deliveries, .. } = self;
        let Opened { transport, place, is_stateful, behind, .. } = opened;
        let mut link = Link::new(client, transport, is_stateful, behind);
        loop {
            let end = link.serve(commands, deliveries).await;
            let End::Lost(reason) = end else { return link.into_end(end, deliveries) };
            if !is_stateful {
                return link.into_end(End::Lost(reason), deliveries);
            }
            match resume::resume(&place, &mut commands.closes).await {
                Ok(transport) => {
                    link.resume(transport);
                    deliveries.event(Event::Reconnected { is_stateful: true });
                }
                Err(Some(end)) => return link.into_end(end, deliveries),
                Err(None) => return link.into_end(End::Lost(reason), deliveries),
            }
        }
    }

    /// Connects again by the client's plan. Fails with the caller that waits for the end, if there
    /// is one.
    async fn reconnect(&mut self, closed: Closed) -> Result<Opened, Waiter> {
        let Self { client, commands, deliveries, .. } = self;
        deliveries.event(Event::Reconnecting { reason: closed.to_string() });
        for attempt in 0.. {
            let Some(delay) = client.reconnect.as_ref().and_then(|plan| plan.delay(attempt)) else {
                break;
            };
            let mut try_again = Box::pin(async {
                sleep(delay).await;
                open::open(client).await
            });
            loop {
                tokio::select! {
                    opened = &mut try_again => match opened {
                        Ok(opened) => {
                            deliveries.event(Event::Reconnected { is_stateful: false });
                            return Ok(opened);
                        }
                        Err(_) => break,
                    },
                    waiter = commands.closes.recv() => {
                        deliveries.event(Event::Closed(Closed::ByClient));
                        return Err(waiter);
                    }
                    Some(command) = commands.calls.recv() => refuse(command, &CallError::NotConnected),
                    _ = deliveries.deliver() => {}
                }
            }
        }
        deliveries.event(Event::Closed(closed));
        Err(None)
    }
}

fn refuse(command: Command, error: &CallError) {
    if let Command::Call(call) = command {
        // The caller may be gone.
        let _ = call.started.send(Err(error.clone()));
    }
}
