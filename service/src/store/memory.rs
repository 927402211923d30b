//! Memberships in the memory of this process.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use signalr_serverless::{GroupName, HubName, UserId};

use super::membership::{Membership, UNTIMED_GROUPS_PER_USER, UNTIMED_LIFETIME};

/// Keeps memberships in memory; they are gone when the service ends.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    // Held for short synchronous sections only.
    memberships: Mutex<Memberships>,
}

#[derive(Debug, Default)]
struct Memberships {
    users: HashMap<(HubName, UserId), HashMap<GroupName, Entry>>,
    /// When to look for an expired membership. A membership that was renewed or removed leaves its
    /// old time here, which then finds nothing.
    expiries: BinaryHeap<Reverse<Expiry>>,
    /// Counts the changes, so that the latest memberships of a user are known.
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    expires: SystemTime,
    is_untimed: bool,
    changed: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry {
    at: SystemTime,
    hub: HubName,
    user: UserId,
    group: GroupName,
}

impl MemoryStore {
    pub(super) fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<GroupName> {
        self.lock().add(membership, ttl, now)
    }

    pub(super) fn remove(&self, membership: &Membership) {
        self.lock().remove(membership);
    }

    pub(super) fn remove_all(&self, hub: &HubName, user: &UserId) {
        self.lock().users.remove(&(hub.clone(), user.clone()));
    }

    pub(super) fn groups(&self, hub: &HubName, user: &UserId, now: SystemTime) -> Vec<GroupName> {
        let memberships = self.lock();
        let Some(groups) = memberships.users.get(&(hub.clone(), user.clone())) else {
            return Vec::new();
        };
        let current = groups.iter().filter(|(_, entry)| entry.expires > now);
        current.map(|(group, _)| group.clone()).collect()
    }

    pub(super) fn take_expired(&self, now: SystemTime) -> Vec<Membership> {
        self.lock().take_expired(now)
    }

    fn lock(&self) -> MutexGuard<'_, Memberships> {
        self.memberships.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memberships {
    fn add(
        &mut self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<GroupName> {
        self.changes += 1;
        let Membership { hub, user, group } = membership;
        // A time past the end of the calendar is cut to the longest lifetime there is.
        let expires = now.checked_add(ttl.unwrap_or(UNTIMED_LIFETIME));
        let entry = Entry {
            expires: expires.unwrap_or(now + UNTIMED_LIFETIME),
            is_untimed: ttl.is_none(),
            changed: self.changes,
        };
        self.expiries.push(Reverse(Expiry {
            at: entry.expires,
            hub: hub.clone(),
            user: user.clone(),
            group: group.clone(),
        }));
        let groups = self.users.entry((hub.clone(), user.clone())).or_default();
        groups.insert(group, entry);
        let Some(group) = oldest_beyond_the_limit(groups) else { return Vec::new() };
        groups.remove(&group);
        vec![group]
    }

    fn remove(&mut self, membership: &Membership) {
        let key = (membership.hub.clone(), membership.user.clone());
        if let Some(groups) = self.users.get_mut(&key) {
            groups.remove(&membership.group);
            if groups.is_empty() {
                self.users.remove(&key);
            }
        }
    }

    fn take_expired(&mut self, now: SystemTime) -> Vec<Membership> {
        let mut expired = Vec::new();
        while self.expiries.peek().is_some_and(|Reverse(next)| next.at <= now) {
            let Some(Reverse(Expiry { hub, user, group, .. })) = self.expiries.pop() else { break };
            let groups = self.users.get(&(hub.clone(), user.clone()));
            let entry = groups.and_then(|groups| groups.get(&group));
            if entry.is_some_and(|entry| entry.expires <= now) {
                let membership = Membership { hub, user, group };
                self.remove(&membership);
                expired.push(membership);
            }
        }
        expired
    }
}

/// The untimed group that was added or renewed longest ago, where there is one too many.
fn oldest_beyond_the_limit(groups: &HashMap<GroupName, Entry>) -> Option<GroupName> {
    let untimed = groups.iter().filter(|(_, entry)| entry.is_untimed);
    if untimed.clone().count() <= UNTIMED_GROUPS_PER_USER {
        return None;
    }
    untimed.min_by_key(|(_, entry)| entry.changed).map(|(group, _)| group.clone())
}
