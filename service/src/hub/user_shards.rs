//! Which shards have connections of a user, so that work about the user wakes no other shard.

use std::{
    array,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signalr_serverless::{HubName, UserId};

use crate::identity::Identity;

/// How many parts the table has. Connections that come and go at the same time rarely wait for one
/// another.
const PARTS: usize = 64;

/// The shards of each user that has connections. All clones share the same table.
#[derive(Clone, Debug, Default)]
pub(super) struct UserShards(Arc<Table>);

#[derive(Debug)]
struct Table {
    // Each part is held for short synchronous sections only.
    parts: [Mutex<Part>; PARTS],
    hasher: RandomState,
}

type Part = HashMap<(HubName, UserId), Vec<InShard>>;

/// The connections of one user in one shard.
#[derive(Debug)]
struct InShard {
    shard: usize,
    connections: usize,
}

/// A connection of a user. Until this is dropped, work about the user goes to its shard.
#[derive(Debug)]
pub(crate) struct UserHere {
    users: UserShards,
    identity: Arc<Identity>,
    shard: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { parts: array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl UserShards {
    /// Notes a connection in a shard; `None` if it has no user. This must come before the shard's
    /// queue gets the connection. So any later work about the user comes after it in the same
    /// queue.
    pub(super) fn hold(&self, identity: &Arc<Identity>, shard: usize) -> Option<UserHere> {
        let user = identity.user.as_ref()?;
        let mut part = self.part(&identity.hub, user);
        let shards = part.entry((identity.hub.clone(), user.clone())).or_default();
        match shards.iter_mut().find(|one| one.shard == shard) {
            Some(of_shard) => of_shard.connections += 1,
            None => shards.push(InShard { shard, connections: 1 }),
        }
        drop(part);
        Some(UserHere { users: self.clone(), identity: Arc::clone(identity), shard })
    }

    /// The shards that have connections of a user, each once.
    pub(super) fn of(&self, hub: &HubName, user: &UserId) -> Vec<usize> {
        let part = self.part(hub, user);
        let shards = part.get(&(hub.clone(), user.clone())).into_iter().flatten();
        shards.map(|one| one.shard).collect()
    }

    fn release(&self, hub: &HubName, user: &UserId, shard: usize) {
        let mut part = self.part(hub, user);
        let of_user = (hub.clone(), user.clone());
        let Some(shards) = part.get_mut(&of_user) else { return };
        let Some(place) = shards.iter().position(|one| one.shard == shard) else { return };
        shards[place].connections = shards[place].connections.saturating_sub(1);
        if shards[place].connections == 0 {
            shards.swap_remove(place);
        }
        if shards.is_empty() {
            part.remove(&of_user);
        }
    }

    fn part(&self, hub: &HubName, user: &UserId) -> MutexGuard<'_, Part> {
        let Table { parts, hasher } = &*self.0;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of parts")]
        let index = (hasher.hash_one((hub, user)) % PARTS as u64) as usize;
        parts[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UserHere {
    fn drop(&mut self) {
        if let Some(user) = &self.identity.user {
            self.users.release(&self.identity.hub, user, self.shard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(hub: &str, user: Option<&str>) -> Arc<Identity> {
        Arc::new(Identity {
            id: "c".parse().unwrap(),
            hub: hub.parse().unwrap(),
            user: user.map(|user| user.parse().unwrap()),
        })
    }

    #[test]
    fn a_user_has_the_shards_of_its_connections() {
        let users = UserShards::default();
        let ann = identity("chat", Some("ann"));
        let of = |hub: &str, user: &str| users.of(&hub.parse().unwrap(), &user.parse().unwrap());
        assert!(users.hold(&identity("chat", None), 0).is_none());
        let (first, second) = (users.hold(&ann, 1), users.hold(&ann, 1));
        let third = users.hold(&ann, 0);
        let mut shards = of("chat", "ann");
        shards.sort_unstable();
        assert_eq!(shards, [0, 1]);
        assert!(of("chat", "ben").is_empty() && of("news", "ann").is_empty());
        drop((first, third));
        assert_eq!(of("chat", "ann"), [1]);
        drop(second);
        assert!(of("chat", "ann").is_empty());
    }

    #[test]
    fn nothing_stays_of_ten_thousand_that_came_and_went() {
        let users = UserShards::default();
        for number in 0..10_000 {
            drop(users.hold(&identity("chat", Some(&number.to_string())), number % 3));
        }
        assert!(users.0.parts.iter().all(|part| part.lock().unwrap().is_empty()));
    }
}
