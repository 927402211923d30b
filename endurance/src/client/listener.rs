//! Listeners that check what they read: every number once, in order, and its delay.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Client, Record, Transport};
use crate::{
    Failure,
    site::{From, Site},
};

/// Clients that read everything.
#[derive(Default)]
pub(crate) struct Listeners {
    clients: Vec<Client>,
    tasks: JoinSet<Result<(Client, Duration), Failure>>,
}

impl Listeners {
    /// Connects `count` clients of the transport.
    pub(crate) async fn connect(
        site: &Site,
        transport: Transport,
        count: usize,
    ) -> Result<Self, Failure> {
        Ok(Self { clients: many(site, transport, count, false).await?, ..Self::default() })
    }

    /// Connects `count` clients of each transport.
    pub(crate) async fn of_each(site: &Site, count: usize) -> Result<Self, Failure> {
        let mut all = Self::default();
        for transport in Transport::ALL {
            all.clients.extend(many(site, transport, count, false).await?);
        }
        Ok(all)
    }

    /// Makes all clients listen for these numbers, which are sent from `start` on.
    pub(crate) fn listen(&mut self, numbers: std::ops::Range<u64>, start: Instant) {
        for client in self.clients.drain(..) {
            self.tasks.spawn(listen(client, numbers.clone(), start));
        }
    }

    /// Waits until all clients have heard every number. Returns the longest delay.
    pub(crate) async fn heard(&mut self) -> Result<Duration, Failure> {
        let mut latest = Duration::ZERO;
        while let Some(heard) = self.tasks.join_next().await {
            let (client, late) = heard??;
            self.clients.push(client);
            latest = latest.max(late);
        }
        Ok(latest)
    }

    pub(crate) fn of(clients: Vec<Client>) -> Self {
        Self { clients, ..Self::default() }
    }
}

/// Connects `count` clients, several at the same time. If they are tight, their systems buffer only
/// few unread bytes.
pub(crate) async fn many(
    site: &Site,
    transport: Transport,
    count: usize,
    is_tight: bool,
) -> Result<Vec<Client>, Failure> {
    const AT_ONCE: usize = 50;
    let (mut clients, mut tasks) = (Vec::with_capacity(count), JoinSet::new());
    for number in 0..count {
        // A machine has ports for about 28,000 sockets from one address.
        let from = From { address: u8::try_from(number % 8)?, is_tight };
        let site = site.clone();
        tasks.spawn(async move { Client::connect(&site, transport, from).await });
        if tasks.len() >= AT_ONCE
            && let Some(client) = tasks.join_next().await
        {
            clients.push(client??);
        }
    }
    while let Some(client) = tasks.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

async fn listen(
    mut client: Client,
    numbers: std::ops::Range<u64>,
    start: Instant,
) -> Result<(Client, Duration), Failure> {
    let mut latest = Duration::ZERO;
    for expected in numbers {
        let late = loop {
            match client.next().await? {
                Record::Number(number, at) if number == expected => {
                    break start.elapsed().saturating_sub(Duration::from_micros(at));
                }
                Record::Number(number, _) => {
                    return Err(format!("{number} came in place of {expected}").into());
                }
                Record::Close(reason) => return Err(format!("closed: {reason}").into()),
                _ => {}
            }
        };
        latest = latest.max(late);
    }
    Ok((client, latest))
}
