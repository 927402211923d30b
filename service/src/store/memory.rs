//! Memberships in the memory of this process.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use signalr_serverless::{GroupName, HubName, UserId};

use super::membership::{Membership, UNTIMED_GROUPS_PER_USER, UNTIMED_LIFETIME};

/// Keeps memberships in memory. They are lost when the service ends.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    // Held for short synchronous sections only.
    memberships: Mutex<Memberships>,
}

#[derive(Debug, Default)]
struct Memberships {
    users: HashMap<(HubName, UserId), HashMap<GroupName, Entry>>,
    /// When each membership ends, the next one first.
    expiries: BTreeSet<Expiry>,
    /// Counts the changes, to know the latest memberships of a user.
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    expires: SystemTime,
    is_untimed: bool,
    changed: u64,
}

/// A membership in the form for the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) expires: SystemTime,
    pub(super) is_untimed: bool,
    /// The number of the change that made this membership.
    pub(super) changed: u64,
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
        self.lock().remove_all(hub, user);
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

    /// A membership, for the file.
    pub(super) fn kept(&self, membership: &Membership) -> Option<Kept> {
        let Membership { hub, user, group } = membership;
        let memberships = self.lock();
        let entry = memberships.users.get(&(hub.clone(), user.clone()))?.get(group)?;
        let Entry { expires, is_untimed, changed } = *entry;
        Some(Kept { expires, is_untimed, changed })
    }

    /// Loads a membership from the file.
    pub(super) fn load(&self, membership: Membership, kept: Kept) {
        let Membership { hub, user, group } = membership;
        let Kept { expires, is_untimed, changed } = kept;
        let mut memberships = self.lock();
        memberships.changes = memberships.changes.max(changed);
        memberships.expiries.insert(expiry(&hub, &user, &group, expires));
        let groups = memberships.users.entry((hub, user)).or_default();
        groups.insert(group, Entry { expires, is_untimed, changed });
    }

    /// The groups of a user, including expired ones.
    pub(super) fn all_groups(&self, hub: &HubName, user: &UserId) -> Vec<GroupName> {
        let memberships = self.lock();
        let groups = memberships.users.get(&(hub.clone(), user.clone()));
        groups.into_iter().flat_map(HashMap::keys).cloned().collect()
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
        // A time after the end of the calendar is cut to the longest possible lifetime.
        let expires = now.checked_add(ttl.unwrap_or(UNTIMED_LIFETIME));
        let expires = expires.unwrap_or(now + UNTIMED_LIFETIME);
        let entry = Entry { expires, is_untimed: ttl.is_none(), changed: self.changes };
        self.expiries.insert(expiry(&hub, &user, &group, entry.expires));
        let groups = self.users.entry((hub.clone(), user.clone())).or_default();
        if let Some(renewed) = groups.insert(group.clone(), entry)
            && renewed.expires != expires
        {
            self.expiries.remove(&expiry(&hub, &user, &group, renewed.expires));
        }
        let Some(group) = oldest_beyond_the_limit(groups) else { return Vec::new() };
        self.remove(&Membership { hub, user, group: group.clone() });
        vec![group]
    }

    fn remove(&mut self, membership: &Membership) {
        let Membership { hub, user, group } = membership;
        let key = (hub.clone(), user.clone());
        let Some(groups) = self.users.get_mut(&key) else { return };
        if let Some(entry) = groups.remove(group) {
            self.expiries.remove(&expiry(hub, user, group, entry.expires));
        }
        if groups.is_empty() {
            self.users.remove(&key);
        }
    }

    fn remove_all(&mut self, hub: &HubName, user: &UserId) {
        let groups = self.users.remove(&(hub.clone(), user.clone())).unwrap_or_default();
        for (group, entry) in groups {
            self.expiries.remove(&expiry(hub, user, &group, entry.expires));
        }
    }

    fn take_expired(&mut self, now: SystemTime) -> Vec<Membership> {
        let mut expired = Vec::new();
        while self.expiries.first().is_some_and(|next| next.at <= now) {
            let Some(Expiry { hub, user, group, .. }) = self.expiries.pop_first() else { break };
            let membership = Membership { hub, user, group };
            self.remove(&membership);
            expired.push(membership);
        }
        expired
    }
}

fn expiry(hub: &HubName, user: &UserId, group: &GroupName, at: SystemTime) -> Expiry {
    Expiry { at, hub: hub.clone(), user: user.clone(), group: group.clone() }
}

/// If there is one untimed group too many, the group that was added or renewed longest ago.
fn oldest_beyond_the_limit(groups: &HashMap<GroupName, Entry>) -> Option<GroupName> {
    let untimed = groups.iter().filter(|(_, entry)| entry.is_untimed);
    if untimed.clone().count() <= UNTIMED_GROUPS_PER_USER {
        return None;
    }
    untimed.min_by_key(|(_, entry)| entry.changed).map(|(group, _)| group.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(user: &str, group: &str) -> Membership {
        Membership {
            hub: HubName::parse("chat").unwrap(),
            user: UserId::parse(user).unwrap(),
            group: GroupName::parse(group).unwrap(),
        }
    }

    fn size(store: &MemoryStore) -> (usize, usize) {
        let memberships = store.lock();
        (memberships.users.len(), memberships.expiries.len())
    }

    #[test]
    fn a_membership_that_is_renewed_again_and_again_is_kept_once() {
        let store = MemoryStore::default();
        for second in 0..1000 {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second / 2);
            store.add(membership("ann", "g"), None, now);
            store.add(membership("ann", "timed"), Some(Duration::from_secs(5)), now);
        }
        assert_eq!(size(&store), (1, 2));
    }

    #[test]
    fn nothing_stays_of_memberships_that_ended_in_any_way() {
        let store = MemoryStore::default();
        let now = SystemTime::UNIX_EPOCH;
        for number in 0..1000 {
            store.add(membership("bob", &format!("g{number}")), None, now);
            store.add(membership("ann", &format!("g{number}")), Some(Duration::from_secs(9)), now);
            store.add(membership("eve", "g"), None, now);
            store.remove(&membership("eve", "g"));
        }
        assert_eq!(size(&store), (2, 1000 + UNTIMED_GROUPS_PER_USER));
        let Membership { hub, user, .. } = membership("bob", "g");
        store.remove_all(&hub, &user);
        assert_eq!(store.take_expired(now + Duration::from_secs(9)).len(), 1000);
        assert_eq!(size(&store), (0, 0));
    }
}
