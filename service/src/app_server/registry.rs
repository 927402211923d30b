//! All server connections, by hub.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use signalr_server_protocol::ConnectionKind;
use signalr_serverless::HubName;
use tokio::sync::watch;

use super::{
    client::{AppClient, OpenClient},
    link::{AppLink, Role},
    mode::{ServiceMode, ServiceModes},
    questions::Questions,
    queue::AppQueue,
    seat::Seat,
    sticky::Sticky,
};
use crate::budget::QueueBudget;

/// The connected app servers.
#[derive(Debug)]
pub(crate) struct AppServers {
    /// Held for short synchronous sections only.
    links: Mutex<HashMap<HubName, Vec<Arc<AppLink>>>>,
    numbers: AtomicU64,
    most: usize,
    pub(crate) modes: ServiceModes,
    pub(crate) questions: Questions,
    received: AtomicU64,
    /// How many messages were sent to server connections that are gone now.
    sent_before: AtomicU64,
    lost_clients: AtomicU64,
    is_open: watch::Sender<bool>,
}

/// The programs that answer the clients of a hub now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    Serverless,
    /// An app server.
    App,
    /// An app server has to answer them, but none is available.
    Nobody,
}

/// The number of server connections has reached its limit.
#[derive(Debug, thiserror::Error)]
#[error("{0} server connections are open, and more are not taken")]
pub(crate) struct Full(usize);

/// The values for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) default: u64,
    pub(crate) on_demand: u64,
    pub(crate) weak: u64,
    /// How many clients the app servers have.
    pub(crate) clients: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) waiting_bytes: u64,
    pub(crate) lost_clients: u64,
}

impl AppServers {
    /// Accepts at most `most` server connections.
    pub(crate) fn new(most: usize, modes: ServiceModes) -> Self {
        Self {
            links: Mutex::default(),
            numbers: AtomicU64::new(1),
            most,
            modes,
            questions: Questions::default(),
            received: AtomicU64::new(0),
            sent_before: AtomicU64::new(0),
            lost_clients: AtomicU64::new(0),
            is_open: watch::Sender::new(true),
        }
    }

    /// Adds a server connection. It stays until it is [removed](Self::remove).
    pub(crate) fn add(
        &self,
        hub: HubName,
        server: String,
        role: Role,
        queue: Arc<AppQueue>,
    ) -> Result<Arc<AppLink>, Full> {
        let mut links = self.links();
        if links.values().map(Vec::len).sum::<usize>() >= self.most {
            return Err(Full(self.most));
        }
        let link = Arc::new(AppLink::new(self.number(), hub.clone(), server, role, queue));
        links.entry(hub).or_default().push(Arc::clone(&link));
        Ok(link)
    }

    /// Removes a server connection. It gets no new clients from now on.
    pub(crate) fn remove(&self, link: &AppLink) {
        let mut links = self.links();
        if let Some(of_hub) = links.get_mut(&link.hub) {
            of_hub.retain(|one| one.number != link.number);
            if of_hub.is_empty() {
                links.remove(&link.hub);
            }
        }
        self.sent_before.fetch_add(link.queue.messages(), Relaxed);
    }

    /// Counts clients that end because their server connection is lost. Those that moved to another
    /// one are not among them.
    pub(crate) fn clients_lost(&self, clients: usize) {
        self.lost_clients.fetch_add(clients as u64, Relaxed);
    }

    /// The programs that answer the clients of a hub now.
    pub(crate) fn serving(&self, hub: &HubName) -> Serving {
        let links = self.links();
        let mut of_hub = links.get(hub).into_iter().flatten();
        match self.modes.of(hub) {
            ServiceMode::Serverless => Serving::Serverless,
            ServiceMode::Classic if !of_hub.clone().any(|link| link.carries_clients()) => {
                Serving::Serverless
            }
            ServiceMode::Classic | ServiceMode::Default => {
                if of_hub.any(|link| link.takes_clients()) { Serving::App } else { Serving::Nobody }
            }
        }
    }

    /// Whether there is a server connection for a client.
    pub(crate) fn has_place(&self, hub: &HubName, client: &AppClient) -> bool {
        best(self.links().get(hub).map_or(&[], Vec::as_slice), &client.sticky, None).is_some()
    }

    /// Gives a client to a server connection. The connection belongs to the app server that the
    /// client's token names, or to any app server. If there are several, it is the one with the
    /// fewest clients.
    pub(crate) fn seat(&self, hub: &HubName, client: &AppClient) -> Option<Seat> {
        let links = self.links();
        let link = best(links.get(hub)?, &client.sticky, None)?;
        Some(Seat::take(Arc::clone(link), self.number()))
    }

    /// Gives a client of one app server to another one.
    pub(crate) fn seat_elsewhere(
        &self,
        hub: &HubName,
        client: &OpenClient,
        server: &str,
    ) -> Option<Seat> {
        let links = self.links();
        let link = best(links.get(hub)?, &client.sticky, Some(server))?;
        Some(Seat::take(Arc::clone(link), self.number()))
    }

    /// The names of the app servers of a hub.
    pub(crate) fn servers(&self, hub: &HubName) -> BTreeSet<String> {
        let links = self.links();
        let of_hub = links.get(hub).into_iter().flatten();
        of_hub.filter(|link| link.carries_clients()).map(|link| link.server.clone()).collect()
    }

    /// How many server connections of all kinds a hub has.
    pub(crate) fn connections(&self, hub: &HubName) -> usize {
        self.links().get(hub).map_or(0, Vec::len)
    }

    /// Counts a message of an app server.
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    /// Closes every server connection at the end of the service.
    pub(crate) fn stop(&self) {
        self.is_open.send_replace(false);
    }

    /// Waits for the end of the service.
    pub(crate) async fn stopped(&self) {
        // `self` has the sender, so the channel is open.
        let _ = self.is_open.subscribe().wait_for(|is_open| !is_open).await;
    }

    /// Cuts the server connections with the most waiting bytes, while more bytes are held in total
    /// than is allowed. Connections with few waiting bytes stay. Returns whether dropping the bytes
    /// of the cut connections is enough.
    pub(crate) fn relieve(&self, budget: &QueueBudget) -> bool {
        let mut excess = budget.excess();
        let waiting: Vec<_> =
            self.links().values().flatten().map(|link| (link.queue.held(), link.clone())).collect();
        let fair_share = budget.limit() / 2 / waiting.len().max(1);
        let (cut, mut waiting): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, link)| link.queue.is_cut());
        for (bytes, _) in cut {
            excess = excess.saturating_sub(bytes);
        }
        waiting.sort_unstable_by_key(|(bytes, _)| *bytes);
        while excess > 0
            && let Some((bytes, link)) = waiting.pop()
            && bytes > fair_share
        {
            tracing::warn!(hub = %link.hub, server = link.server, bytes, "an app server is cut");
            link.queue.cut();
            excess = excess.saturating_sub(bytes);
        }
        excess == 0
    }

    /// How many server connections are allowed.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// The values for metrics.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts {
            received: self.received.load(Relaxed),
            sent: self.sent_before.load(Relaxed),
            lost_clients: self.lost_clients.load(Relaxed),
            ..Counts::default()
        };
        for link in self.links().values().flatten() {
            match link.kind {
                ConnectionKind::Default => counts.default += 1,
                ConnectionKind::OnDemand => counts.on_demand += 1,
                ConnectionKind::Weak => counts.weak += 1,
            }
            counts.clients += link.clients() as u64;
            counts.sent += link.queue.messages();
            counts.waiting_bytes += link.queue.bytes() as u64;
        }
        counts
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Relaxed)
    }

    fn links(&self) -> MutexGuard<'_, HashMap<HubName, Vec<Arc<AppLink>>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// How many server connections are open.
    pub(crate) fn open(&self) -> u64 {
        self.default.saturating_add(self.on_demand).saturating_add(self.weak)
    }
}

/// The best server connection for a client. It never belongs to the app server `except`.
fn best<'a>(
    links: &'a [Arc<AppLink>],
    sticky: &Sticky,
    except: Option<&str>,
) -> Option<&'a Arc<AppLink>> {
    let least = |of: Option<&str>| {
        let links = links.iter().filter(|link| {
            link.takes_clients() && except.is_none_or(|server| link.server != server)
        });
        links
            .filter(|link| of.is_none_or(|server| link.server == server))
            .min_by_key(|link| link.clients())
    };
    match sticky {
        Sticky::Any => least(None),
        Sticky::Preferred(server) => least(Some(server)).or_else(|| least(None)),
        Sticky::Required(server) => least(Some(server)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use signalr_server_protocol::{MigrationLevel, Ping};

    use super::*;

    fn hub() -> HubName {
        HubName::parse("chat").unwrap()
    }

    fn role(kind: ConnectionKind) -> Role {
        Role { kind, migration: MigrationLevel::Off }
    }

    fn queue() -> Arc<AppQueue> {
        AppQueue::new(1, &QueueBudget::new(usize::MAX, Arc::default())).0
    }

    fn client(claims: &[(&str, &str)]) -> AppClient {
        let claims = claims.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        AppClient::new(claims, &HeaderMap::new(), "", None)
    }

    fn add(servers: &AppServers, server: &str, kind: ConnectionKind) -> Arc<AppLink> {
        servers.add(hub(), server.to_owned(), role(kind), queue()).unwrap()
    }

    #[test]
    fn clients_go_where_fewest_are_and_never_to_weak_or_leaving_ones() {
        let servers = AppServers::new(9, ServiceModes::default());
        assert_eq!(servers.serving(&hub()), Serving::Serverless);
        add(&servers, "a", ConnectionKind::Weak);
        assert_eq!(servers.serving(&hub()), Serving::Serverless);
        assert!(servers.seat(&hub(), &client(&[])).is_none());
        let one = add(&servers, "a", ConnectionKind::Default);
        let two = add(&servers, "b", ConnectionKind::OnDemand);
        let seats: Vec<Seat> =
            (0..4).map(|_| servers.seat(&hub(), &client(&[])).unwrap()).collect();
        assert_eq!((one.clients(), two.clients()), (2, 2));
        drop(seats);
        assert_eq!((one.clients(), two.clients()), (0, 0));
        one.leave();
        two.leave();
        assert_eq!(servers.serving(&hub()), Serving::Nobody);
        servers.remove(&one);
        servers.remove(&two);
        assert_eq!(servers.serving(&hub()), Serving::Serverless);
        assert_eq!(servers.counts().open(), 1);
    }

    #[test]
    fn a_token_may_name_the_server() {
        let servers = AppServers::new(9, ServiceModes::default());
        let preferred = client(&[("asrs.s.sn", "b"), ("asrs.s.ssticky", "Preferred")]);
        let required = client(&[("asrs.s.sn", "b"), ("asrs.s.ssticky", "Required")]);
        add(&servers, "a", ConnectionKind::Default);
        assert_eq!(servers.seat(&hub(), &preferred).unwrap().link.server, "a");
        assert!(servers.seat(&hub(), &required).is_none());
        add(&servers, "b", ConnectionKind::Default);
        for client in [&preferred, &required, &preferred] {
            assert_eq!(servers.seat(&hub(), client).unwrap().link.server, "b");
        }
    }

    #[test]
    fn there_is_a_most() {
        let servers = AppServers::new(1, ServiceModes::of_all(ServiceMode::Default));
        assert_eq!(servers.serving(&hub()), Serving::Nobody);
        let link = add(&servers, "a", ConnectionKind::Default);
        assert_eq!(servers.serving(&hub()), Serving::App);
        let refused = servers.add(hub(), String::new(), role(ConnectionKind::Weak), queue());
        assert!(refused.is_err());
        servers.remove(&link);
        add(&servers, "a", ConnectionKind::Weak);
    }

    #[test]
    fn past_the_bound_of_all_queues_those_are_cut_for_whom_most_waits() {
        let servers = AppServers::new(9, ServiceModes::default());
        let budget = QueueBudget::new(100, Arc::default());
        let mut ends = Vec::new();
        let mut add = |waiting: usize| {
            let (queue, end) = AppQueue::new(1000, &budget);
            ends.push(end);
            queue.push(Ping::note("x", "y".repeat(waiting)));
            servers.add(hub(), String::new(), role(ConnectionKind::Default), queue).unwrap()
        };
        let (little, more, most) = (add(1), add(30), add(50));
        assert!(!budget.is_over() && servers.relieve(&budget));
        let cut = |links: [&AppLink; 3]| links.map(|link| link.queue.is_cut());
        assert_eq!(cut([&little, &more, &most]), [false; 3]);
        let last = add(20);
        for _ in 0..2 {
            assert!(budget.is_over() && servers.relieve(&budget));
            assert_eq!(cut([&little, &more, &most]), [false, false, true]);
        }
        assert!(!last.queue.is_cut());
        // No connection holds much, and the total is still too large.
        let mut of_clients = budget.share();
        of_clients.add(1000);
        assert!(!servers.relieve(&budget) && !little.queue.is_cut());
    }
}
