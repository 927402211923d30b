//! The counts of a shard. They are plain numbers that only the shard changes. A caller that asks
//! gets a copy.

use std::{collections::HashMap, time::Duration};

use signalr_serverless::HubName;

use crate::{
    carrier::{ByEncoding, Encoding},
    session::Ended,
};

/// The counts of one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardCounts {
    /// The connections that are open now, by hub. A hub without connections has no entry.
    pub(crate) open: HashMap<HubName, ByEncoding<u64>>,
    pub(crate) ended: Ends,
    pub(crate) sent: ByTarget<Sent>,
    pub(crate) received: Received,
    /// Clients that resumed their connection, and those that did not resume it in time.
    pub(crate) reconnects_won: u64,
    pub(crate) reconnects_lost: u64,
}

/// The answer of a shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardReport {
    pub(crate) counts: ShardCounts,
    /// How long the question waited in the queue.
    pub(crate) lag: Duration,
}

/// The messages that were sent to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// A message counts once for each connection that receives it.
    pub(crate) deliveries: u64,
    /// The bytes with their frames.
    pub(crate) bytes: u64,
}

/// The messages that were received from clients.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Received {
    pub(crate) calls: u64,
    /// Answers to invocations by REST.
    pub(crate) results: u64,
    /// The bytes of all received messages, pings included.
    pub(crate) bytes: u64,
}

/// How many connections ended, by reason.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends([u64; Ended::ALL.len()]);

/// A kind of target that metrics distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Hub,
    Group,
    User,
    Connection,
    /// The connections that a filter matches.
    Filter,
}

/// A value for each kind of target.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByTarget<T>([T; TargetKind::ALL.len()]);

impl ShardCounts {
    pub(super) fn opened(&mut self, hub: &HubName, encoding: Encoding) {
        if let Some(counts) = self.open.get_mut(hub) {
            *counts.get_mut(encoding) += 1;
            return;
        }
        *self.open.entry(hub.clone()).or_default().get_mut(encoding) += 1;
    }

    pub(super) fn left(&mut self, hub: &HubName, encoding: Encoding) {
        let Some(counts) = self.open.get_mut(hub) else { return };
        let count = counts.get_mut(encoding);
        *count = count.saturating_sub(1);
        if counts.iter().all(|(_, count)| *count == 0) {
            self.open.remove(hub);
        }
    }
}

impl Ends {
    pub(super) fn add(&mut self, reason: Ended) {
        self.0[reason as usize] += 1;
    }

    pub(crate) fn get(&self, reason: Ended) -> u64 {
        self.0[reason as usize]
    }
}

impl TargetKind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Hub, Self::Group, Self::User, Self::Connection, Self::Filter];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Group => "group",
            Self::User => "user",
            Self::Connection => "connection",
            Self::Filter => "filter",
        }
    }
}

impl<T> ByTarget<T> {
    pub(crate) fn get(&self, kind: TargetKind) -> &T {
        &self.0[kind as usize]
    }

    pub(crate) fn get_mut(&mut self, kind: TargetKind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{carrier::Transport, protocol::Protocol};

    #[test]
    fn nothing_stays_of_hubs_without_connections() {
        let mut counts = ShardCounts::default();
        let encoding = Encoding { protocol: Protocol::Json, transport: Transport::WebSockets };
        for number in 0..1000 {
            let hub = HubName::parse(&format!("hub{number}")).unwrap();
            counts.opened(&hub, encoding);
            counts.opened(&hub, encoding);
            counts.left(&hub, encoding);
            assert_eq!(*counts.open[&hub].get(encoding), 1);
            counts.left(&hub, encoding);
        }
        assert!(counts.open.is_empty());
    }

    #[test]
    fn each_reason_and_each_kind_has_a_place_of_its_own() {
        let mut ends = Ends::default();
        Ended::ALL.into_iter().for_each(|reason| ends.add(reason));
        assert!(Ended::ALL.into_iter().all(|reason| ends.get(reason) == 1));
        let mut targets = ByTarget::<u64>::default();
        TargetKind::ALL.into_iter().for_each(|kind| *targets.get_mut(kind) += 1);
        assert!(TargetKind::ALL.into_iter().all(|kind| *targets.get(kind) == 1));
    }
}
