//! Which users belong to which groups, and until when, so that connections that open later join
//! them too. Nothing else is kept.

#[cfg(test)]
mod delayed;
mod membership;
mod memory;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use signalr_serverless::{GroupName, HubName, UserId};

#[cfg(test)]
pub(crate) use self::delayed::{DELAY, DelayedStore};
pub(crate) use self::membership::Membership;
use self::memory::MemoryStore;

/// Where memberships are kept. Every kind does the same; `store/tests.rs` runs on each.
#[derive(Debug)]
pub(crate) enum Store {
    /// In this process.
    Memory(MemoryStore),
    /// In memory that takes its time, as a store elsewhere does.
    #[cfg(test)]
    Delayed(DelayedStore),
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory(MemoryStore::default())
    }
}

impl Store {
    /// Adds a membership for `ttl`, or for a year if there is no `ttl`. Only the latest 100
    /// memberships without a `ttl` are kept. Returns the groups that the user had to leave for
    /// this.
    pub(crate) async fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<GroupName> {
        match self {
            Self::Memory(memory) => memory.add(membership, ttl, now),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.add(membership, ttl, now)).await,
        }
    }

    /// Removes a membership; nothing happens if there is none.
    pub(crate) async fn remove(&self, membership: &Membership) {
        match self {
            Self::Memory(memory) => memory.remove(membership),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.remove(membership)).await,
        }
    }

    /// Removes all memberships of a user in a hub.
    pub(crate) async fn remove_all(&self, hub: &HubName, user: &UserId) {
        match self {
            Self::Memory(memory) => memory.remove_all(hub, user),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.remove_all(hub, user)).await,
        }
    }

    /// The groups that a user belongs to now.
    pub(crate) async fn groups(
        &self,
        hub: &HubName,
        user: &UserId,
        now: SystemTime,
    ) -> Vec<GroupName> {
        match self {
            Self::Memory(memory) => memory.groups(hub, user, now),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.groups(hub, user, now)).await,
        }
    }

    /// Removes and returns the memberships whose time is over.
    pub(crate) async fn take_expired(&self, now: SystemTime) -> Vec<Membership> {
        match self {
            Self::Memory(memory) => memory.take_expired(now),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.take_expired(now)).await,
        }
    }
}
