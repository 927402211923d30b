//! The answers of a shard to operators. They are made beside the shard's other work, a chunk at a
//! time.

use std::{collections::BinaryHeap, hash::Hasher};

use fnv::FnvHasher;
use tokio::task::yield_now;

use super::{
    state::{Shard, SharedShard},
    table::Key,
};
use crate::hub::{
    command::Target,
    look::{ConnectionsOf, Detail, Further, HubPart, Look, NameKind, Named, NamesOf, Row},
};

/// How many connections are checked before other work gets a turn.
const CHUNK: usize = 1024;

/// Answers a look. The caller may be gone.
pub(super) async fn look(shard: SharedShard, look: Look) {
    match look {
        Look::Hubs(answer) => drop(answer.send(hubs(&shard).await)),
        Look::Names { of, answer } => drop(answer.send(shard.borrow().names(&of))),
        Look::Connections { of, answer } => drop(answer.send(connections(&shard, &of).await)),
        Look::Connection { hub, id, answer } => {
            let shard = shard.borrow();
            if let Some(detail) = shard.find(&hub, &id).and_then(|key| shard.detail(key)) {
                let _ = answer.send(detail);
            }
        }
    }
}

async fn hubs(shard: &SharedShard) -> Vec<HubPart> {
    let hubs = shard.borrow().groups.hubs();
    let mut all = Vec::with_capacity(hubs.len());
    for hub in hubs {
        {
            let shard = shard.borrow();
            all.push(HubPart {
                connections: shard.groups.count(&hub, &Target::Hub),
                users: shard.groups.users_of(&hub).map(|(name, _)| hash(name)).collect(),
                groups: shard.groups.groups_of(&hub).map(|(name, _)| hash(name)).collect(),
                further: Further::default(),
                hub,
            });
        }
        yield_now().await;
    }
    all
}

/// A hash that is the same for a name in every shard, on every node and in every version.
fn hash(name: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish()
}

async fn connections(shard: &SharedShard, of: &ConnectionsOf) -> Vec<Row> {
    let keys = shard.borrow().keys_in_order(of);
    let behind = of.after.map(Key::from_place);
    let first = behind.map_or(0, |after| keys.partition_point(|key| *key <= after));
    let mut rows = Vec::new();
    for chunk in keys[first..].chunks(CHUNK) {
        {
            let shard = shard.borrow();
            let found = chunk.iter().filter_map(|key| shard.row(*key, of));
            rows.extend(found.take(of.limit.saturating_sub(rows.len())));
        }
        if rows.len() >= of.limit {
            break;
        }
        yield_now().await;
    }
    rows
}

impl Shard {
    /// The first names that are asked for, sorted.
    fn names(&self, of: &NamesOf) -> Vec<Named> {
        let names: &mut dyn Iterator<Item = (&str, usize)> = match of.kind {
            NameKind::Users => &mut self.groups.users_of(&of.hub),
            NameKind::Groups => &mut self.groups.groups_of(&of.hub),
        };
        let is_behind = |name: &str| of.after.as_deref().is_none_or(|after| name > after);
        // The heap keeps at most as many names as were asked for. Its top is the last of them in
        // order.
        let mut first = BinaryHeap::with_capacity(of.limit.min(CHUNK).saturating_add(1));
        for named in names {
            if is_behind(named.0) && contains(named.0, of.search.as_deref()) {
                first.push(named);
                if first.len() > of.limit {
                    first.pop();
                }
            }
        }
        let sorted = first.into_sorted_vec().into_iter();
        sorted.map(|(name, connections)| Named { name: name.to_owned(), connections }).collect()
    }

    fn keys_in_order(&self, of: &ConnectionsOf) -> Vec<Key> {
        match &of.target {
            Target::Hub => self.table.keys(),
            Target::Connection(id) => self.find(&of.hub, id).into_iter().collect(),
            target => {
                let mut keys = self.groups.matching(&of.hub, target);
                keys.sort_unstable();
                keys
            }
        }
    }

    /// The row of a connection, if it belongs to the hub and contains the searched text.
    fn row(&self, key: Key, of: &ConnectionsOf) -> Option<Row> {
        let identity = &self.table.get(key).filter(|one| one.is_member)?.identity;
        let user = identity.user.as_ref().map_or("", |user| user.as_str());
        let search = of.search.as_deref();
        let is_found = contains(identity.id.as_str(), search) || contains(user, search);
        if identity.hub != of.hub || !is_found {
            return None;
        }
        self.row_of(key)
    }

    fn row_of(&self, key: Key) -> Option<Row> {
        let connection = self.table.get(key)?;
        Some(Row {
            connection: connection.identity.id.clone(),
            user: connection.identity.user.clone(),
            transport: connection.encoding().transport.name().into(),
            protocol: connection.encoding().protocol.name().into(),
            groups: connection.groups.len(),
            held: connection.held(),
            seconds: self.now().saturating_sub(connection.since),
            place: key.place(),
        })
    }

    fn detail(&self, key: Key) -> Option<Detail> {
        let connection = self.table.get(key)?;
        Some(Detail {
            row: self.row_of(key)?,
            groups: connection.groups.clone(),
            most_held: self.shared.max_queued,
            claims: connection.claims.get(),
        })
    }
}

/// Whether a name contains the text. The text is in lower case.
fn contains(name: &str, text: Option<&str>) -> bool {
    text.is_none_or(|text| name.to_lowercase().contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_name_is_the_one_that_other_nodes_know() {
        // Source: the test vectors of FNV-1a with 64 bits.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
