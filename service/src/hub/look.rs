//! The questions of operators to the shards, which are answered in pages. The order of the entries
//! does not change.
//!
//! A look runs beside the other work of a shard, and lets that work take its turns.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use serde::{Deserialize, Serialize};
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::sync::oneshot;

use super::command::Target;

/// A question of an operator to one shard.
#[derive(Debug)]
pub(crate) enum Look {
    Hubs(oneshot::Sender<Vec<HubPart>>),
    Names { of: NamesOf, answer: oneshot::Sender<Vec<Named>> },
    Connections { of: ConnectionsOf, answer: oneshot::Sender<Vec<Row>> },
    Connection { hub: HubName, id: ConnectionId, answer: oneshot::Sender<Detail> },
}

/// A hub in one shard, or on one node. A user or a group may be in several of them, so hashes
/// identify users and groups.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HubPart {
    pub(crate) hub: HubName,
    pub(crate) connections: usize,
    pub(crate) users: Vec<u64>,
    pub(crate) groups: Vec<u64>,
    /// The users and groups without a hash.
    pub(crate) further: Further,
}

/// How many users and groups have no hash.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Further {
    pub(crate) users: usize,
    pub(crate) groups: usize,
}

/// The size of a hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HubSize {
    pub(crate) connections: usize,
    pub(crate) users: usize,
    pub(crate) groups: usize,
}

/// The names that are asked for: the first `limit` names after `after` that contain `search`. The
/// names are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamesOf {
    pub(crate) kind: NameKind,
    pub(crate) hub: HubName,
    /// In lower case.
    pub(crate) search: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NameKind {
    Users,
    Groups,
}

/// A user or a group, and how many connections it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) connections: usize,
}

/// The connections that are asked for: the first `limit` after the place `after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectionsOf {
    pub(crate) hub: HubName,
    /// The hub, a group or a user.
    pub(crate) target: Target,
    /// In lower case. A part of the connection's id or of the user's id.
    pub(crate) search: Option<String>,
    pub(crate) after: Option<u64>,
    pub(crate) limit: usize,
}

/// A connection in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) connection: ConnectionId,
    pub(crate) user: Option<UserId>,
    pub(crate) transport: Cow<'static, str>,
    pub(crate) protocol: Cow<'static, str>,
    pub(crate) groups: usize,
    /// How many bytes are held for the connection.
    pub(crate) held: usize,
    /// The age of the connection in seconds.
    pub(crate) seconds: u32,
    pub(crate) place: u64,
}

/// The details of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) row: Row,
    pub(crate) groups: Vec<GroupName>,
    /// How many bytes may be held for the connection at most.
    pub(crate) most_held: usize,
    /// The types and values of the claims, as far as they are kept.
    pub(crate) claims: Vec<(String, String)>,
}

/// The size of each hub. A user or a group that is in several parts of it counts once.
pub(crate) fn sizes(parts: Vec<HubPart>) -> BTreeMap<HubName, HubSize> {
    joined(parts)
        .into_iter()
        .map(|(hub, one)| {
            let users = one.users.len().saturating_add(one.further.users);
            let groups = one.groups.len().saturating_add(one.further.groups);
            (hub, HubSize { connections: one.connections, users, groups })
        })
        .collect()
}

/// One part for each hub. If there are more than `most` hashes, counts replace them.
pub(crate) fn bounded(parts: Vec<HubPart>, most: usize) -> Vec<HubPart> {
    let hubs = joined(parts);
    let of_hub = |one: &Sum| one.users.len().saturating_add(one.groups.len());
    let hashes = hubs.values().map(of_hub).fold(0, usize::saturating_add);
    let is_bounded = hashes <= most;
    let part = |(hub, one): (HubName, Sum)| {
        let without_hash = |hashes: &HashSet<u64>| if is_bounded { 0 } else { hashes.len() };
        let further = Further {
            users: one.further.users.saturating_add(without_hash(&one.users)),
            groups: one.further.groups.saturating_add(without_hash(&one.groups)),
        };
        let kept = |hashes: HashSet<u64>| hashes.into_iter().filter(|_| is_bounded).collect();
        let (users, groups) = (kept(one.users), kept(one.groups));
        HubPart { hub, connections: one.connections, users, groups, further }
    };
    hubs.into_iter().map(part).collect()
}

/// The sum of the parts of one hub.
#[derive(Debug, Default)]
struct Sum {
    connections: usize,
    users: HashSet<u64>,
    groups: HashSet<u64>,
    further: Further,
}

fn joined(parts: Vec<HubPart>) -> HashMap<HubName, Sum> {
    let mut hubs: HashMap<HubName, Sum> = HashMap::new();
    for part in parts {
        let sum = hubs.entry(part.hub).or_default();
        sum.connections = sum.connections.saturating_add(part.connections);
        sum.users.extend(part.users);
        sum.groups.extend(part.groups);
        sum.further.users = sum.further.users.saturating_add(part.further.users);
        sum.further.groups = sum.further.groups.saturating_add(part.further.groups);
    }
    hubs
}

/// The first names of several lists. Each list holds its own first names, so a name in the result
/// is missing in no list that knows it.
pub(crate) fn merged(lists: impl Iterator<Item = Named>, limit: usize) -> Vec<Named> {
    let mut sums: BTreeMap<String, usize> = BTreeMap::new();
    for Named { name, connections } in lists {
        let sum = sums.entry(name).or_default();
        *sum = sum.saturating_add(connections);
    }
    let first = sums.into_iter().take(limit);
    first.map(|(name, connections)| Named { name, connections }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(hub: &str, users: &[u64]) -> HubPart {
        HubPart {
            hub: HubName::parse(hub).unwrap(),
            connections: users.len(),
            users: users.to_vec(),
            groups: Vec::new(),
            further: Further::default(),
        }
    }

    #[test]
    fn a_user_of_two_nodes_counts_once_unless_there_are_too_many() {
        let here = || vec![part("chat", &[1, 2]), part("chat", &[2, 3]), part("news", &[1])];
        let users = |most| {
            let parts = [here(), bounded(here(), most)].into_iter().flatten().collect();
            let sizes = sizes(parts);
            sizes.values().map(|size| (size.connections, size.users)).collect::<Vec<_>>()
        };
        assert_eq!(users(4), [(8, 3), (2, 1)]);
        assert_eq!(users(3), [(8, 6), (2, 2)]);
        assert!(bounded(here(), 3).iter().all(|part| part.users.is_empty()));
    }
}
