//! The connections that receive the load.

use std::{ffi::OsString, sync::Arc, time::SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};
use signalr_client::{Client, Connection, Event, Events, Reconnect};
use signalr_serverless::{ConnectionId, GroupName, NegotiateOptions, rest::Hub};
use tokio::{task::JoinHandle, time::Instant};

use super::{
    arguments::Bench,
    stamp::{Received, Stamp, TARGET},
    tally::{Inbox, Tally},
};
use crate::{access, access::call_failure, client::of_connecting, failure::Failure};

/// How many connections open at the same time.
const AT_ONCE: usize = 16;
/// How many events may wait for a connection's task. The task takes them at once.
const QUEUED_EVENTS: usize = 16;

pub(super) struct Crowd {
    pub(super) run: u32,
    pub(super) connections: Vec<Connection>,
    /// The REST side; `None` if the hub's own method sends.
    pub(super) hub: Option<Hub>,
    pub(super) groups: Vec<GroupName>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    pub(super) async fn connect(
        bench: &Bench,
        environment: &impl Fn(&str) -> Option<OsString>,
        tally: &Arc<Tally>,
    ) -> Result<Self, Failure> {
        let (client, hub) = target(bench, environment)?;
        let run = run_number();
        let opening = (0..bench.connections).map(|_| async {
            let begin = Instant::now();
            let connected = client.clone().connect().await.map_err(of_connecting)?;
            tally.connected(begin.elapsed());
            Ok::<_, Failure>(connected)
        });
        let connected = stream::iter(opening).buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
        let mut crowd =
            Self { run, connections: Vec::new(), hub, groups: Vec::new(), tasks: Vec::new() };
        for (connection, events) in connected {
            crowd.connections.push(connection);
            crowd.tasks.push(tokio::spawn(listen(events, run, Arc::clone(tally))));
        }
        crowd.join_groups(bench.groups).await?;
        Ok(crowd)
    }

    async fn join_groups(&mut self, groups: u32) -> Result<(), Failure> {
        let names =
            (0..groups).map(|number| GroupName::parse(&format!("bench-{}-{number}", self.run)));
        self.groups =
            names.collect::<Result<_, _>>().map_err(|error| Failure::configuration(&error))?;
        let Some(hub) = self.hub.as_ref().filter(|_| groups > 0) else { return Ok(()) };
        for (connection, group) in self.connections.iter().zip(self.groups.iter().cycle()) {
            let id = connection.id().unwrap_or_default();
            let id =
                ConnectionId::parse(&id).map_err(|error| Failure::Service(error.to_string()))?;
            let added = hub.connection(id).add_to_group(group).await;
            if !added.map_err(|error| call_failure::of(&error))? {
                return Err(Failure::Service(
                    "a connection ended before it was in its group".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// How many connections get a message with this number.
    pub(super) fn receivers(&self, number: usize) -> u64 {
        let all = self.connections.len();
        match self.groups.len() {
            0 => all as u64,
            groups => (all / groups + usize::from(number % groups < all % groups)) as u64,
        }
    }

    pub(super) async fn close(self) {
        // Tasks end with their connections.
        let closing = self.connections.iter().map(Connection::close);
        stream::iter(closing).buffer_unordered(AT_ONCE).collect::<()>().await;
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

fn target(
    bench: &Bench,
    environment: &impl Fn(&str) -> Option<OsString>,
) -> Result<(Client, Option<Hub>), Failure> {
    let http = bench.service.http_client()?;
    let with_choices = |client: Client| {
        client
            .with_transports([bench.transport.into()])
            .with_protocol(bench.protocol.into())
            .with_reconnect(Reconnect::default())
            .with_queued_events(QUEUED_EVENTS)
            .with_http_client(http.clone())
            .with_trust(bench.service.trust.authorities())
    };
    if let Some(url) = &bench.url {
        let client = Client::new(url).map_err(of_connecting)?;
        return Ok((with_choices(client), None));
    }
    let access = bench.service.access(bench.output(), environment)?;
    let name = access::hub(bench.hub.hub.as_ref(), environment)?;
    let negotiator = access.negotiator()?;
    let url = format!("{}/client/?hub={name}", access.service.client_endpoint());
    let hub = access.rest.hub(name.clone());
    let client = Client::new(&url).map_err(of_connecting)?.with_token_source(move || {
        let (negotiator, name) = (negotiator.clone(), name.clone());
        async move {
            let options = NegotiateOptions::default();
            let answer = negotiator.negotiate(&name, &options, SystemTime::now()).await;
            Ok(answer.map_err(|error| error.with_causes())?.access_token.as_str().to_owned())
        }
    });
    Ok((with_choices(client), Some(hub)))
}

async fn listen(mut events: Events, run: u32, tally: Arc<Tally>) {
    let mut inbox = Inbox::default();
    while let Some(event) = events.next().await {
        match event {
            Event::Invocation(call) if call.target() == TARGET => {
                if let Ok(arguments) = call.arguments().read::<Received>() {
                    let stamp = Stamp::from(arguments);
                    if stamp.run == run {
                        tally.take(&mut inbox, stamp);
                    }
                }
            }
            Event::Reconnecting { .. } => {
                tally.reconnects.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            Event::Closed(signalr_client::Closed::ByClient) => return,
            Event::Closed(closed) => return tally.closed(closed.to_string()),
            _ => {}
        }
    }
}

/// A random number, so that two runs almost never have the same.
fn run_number() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (now.as_micros() as u32) ^ std::process::id()
}
