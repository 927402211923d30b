//! Keeps which users belong to which groups, and until when, so that later connections join these
//! groups too. It keeps nothing else.

mod broker;
#[cfg(test)]
mod delayed;
mod disk;
mod ends;
mod membership;
mod memory;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use signalr_serverless::{GroupName, HubName, UserId};

#[cfg(test)]
pub(crate) use self::delayed::{DELAY, DelayedStore};
pub use self::disk::DataError;
use self::memory::MemoryStore;
pub(crate) use self::{
    broker::BrokerStore,
    disk::{DiskStore, NotWritten},
    membership::Membership,
};
use crate::broker::Down;

/// The store of memberships. Every kind behaves the same; `store/tests.rs` runs on each.
#[derive(Debug)]
pub(crate) enum Store {
    /// In the memory of this process.
    Memory(MemoryStore),
    /// In a file of this node.
    Disk(DiskStore),
    /// In the broker of a cluster. It changes together with the nodes, so `hub/user_groups.rs` calls it
    /// directly.
    Broker(BrokerStore),
    /// In memory, with delayed answers like a remote store.
    #[cfg(test)]
    Delayed(DelayedStore),
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory(MemoryStore::default())
    }
}

impl Store {
    /// The store if no other node sees it. If others do, the broker's store as the error.
    pub(crate) fn own(&self) -> Result<OwnStore<'_>, &BrokerStore> {
        match self {
            Self::Memory(memory) => Ok(OwnStore::Memory(memory)),
            Self::Disk(disk) => Ok(OwnStore::Disk(disk)),
            Self::Broker(broker) => Err(broker),
            #[cfg(test)]
            Self::Delayed(delayed) => Ok(OwnStore::Delayed(delayed)),
        }
    }

    /// The groups that only the user's open connections are in, if the store keeps these.
    pub(crate) fn passing(&self, hub: &HubName, user: &UserId) -> Vec<GroupName> {
        self.own().map_or_else(|broker| broker.passing(hub, user), |_| Vec::new())
    }

    /// The ends of a user's memberships, if the store reports them to each node.
    pub(crate) fn ends(&self, hub: &HubName, user: &UserId) -> Vec<(GroupName, u64)> {
        self.own().map_or_else(|broker| broker.ends(hub, user), |_| Vec::new())
    }

    /// Notes the end of a membership of a connection that came from another node.
    pub(crate) fn ends_elsewhere(&self, membership: Membership, end: u64) {
        if let Err(broker) = self.own() {
            broker.ends_elsewhere(membership, end);
        }
    }

    /// The groups that a user belongs to now.
    pub(crate) async fn groups(
        &self,
        hub: &HubName,
        user: &UserId,
        now: SystemTime,
    ) -> Result<Vec<GroupName>, Down> {
        match self.own() {
            Ok(own) => Ok(own.groups(hub, user, now).await),
            Err(broker) => broker.groups(hub, user).await,
        }
    }
}

/// A store of this node alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OwnStore<'a> {
    Memory(&'a MemoryStore),
    Disk(&'a DiskStore),
    #[cfg(test)]
    Delayed(&'a DelayedStore),
}

impl OwnStore<'_> {
    /// Adds a membership, for `ttl` or, without one, for a year. Only the latest 100 memberships
    /// without a `ttl` are kept. Returns the user's groups that were removed for this.
    pub(crate) async fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Result<Vec<GroupName>, NotWritten> {
        Ok(match self {
            Self::Memory(memory) => memory.add(membership, ttl, now),
            Self::Disk(disk) => {
                let dropped = disk.memory().add(membership.clone(), ttl, now);
                let of_user =
                    |group: &GroupName| Membership { group: group.clone(), ..membership.clone() };
                let mut changed: Vec<Membership> = dropped.iter().map(of_user).collect();
                changed.push(membership);
                disk.write(changed).await?;
                dropped
            }
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.add(membership, ttl, now)).await,
        })
    }

    /// Removes a membership, if there is one.
    pub(crate) async fn remove(&self, membership: &Membership) -> Result<(), NotWritten> {
        match self {
            Self::Memory(memory) => memory.remove(membership),
            Self::Disk(disk) => {
                disk.memory().remove(membership);
                disk.write(vec![membership.clone()]).await?;
            }
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.remove(membership)).await,
        }
        Ok(())
    }

    /// Removes all memberships of a user in a hub.
    pub(crate) async fn remove_all(&self, hub: &HubName, user: &UserId) -> Result<(), NotWritten> {
        match self {
            Self::Memory(memory) => memory.remove_all(hub, user),
            Self::Disk(disk) => {
                let all = disk.of_user(hub, user);
                disk.memory().remove_all(hub, user);
                disk.write(all).await?;
            }
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.remove_all(hub, user)).await,
        }
        Ok(())
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
            Self::Disk(disk) => disk.memory().groups(hub, user, now),
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.groups(hub, user, now)).await,
        }
    }

    /// Removes and returns the memberships whose time is over.
    pub(crate) async fn take_expired(&self, now: SystemTime) -> Vec<Membership> {
        match self {
            Self::Memory(memory) => memory.take_expired(now),
            Self::Disk(disk) => {
                let expired = disk.memory().take_expired(now);
                // If the write fails, later readers of the file also see that these have expired.
                if let Err(error) = disk.write(expired.clone()).await {
                    tracing::warn!(%error, "memberships that ended stay in the file");
                }
                expired
            }
            #[cfg(test)]
            Self::Delayed(delayed) => delayed.ask(|memory| memory.take_expired(now)).await,
        }
    }
}
