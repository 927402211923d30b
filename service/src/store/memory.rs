//! Memberships in the memory of this process.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use signalr_serverless::{GroupName, HubName, UserId};

use super::{Membership, Store, UNTIMED_GROUPS_PER_USER, UNTIMED_LIFETIME};

/// Keeps memberships in memory; they are gone when the service ends.
#[derive(Debug, Default)]
pub struct MemoryStore {
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
    fn lock(&self) -> MutexGuard<'_, Memberships> {
        self.memberships.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<Membership> {
        self.lock().add(membership, ttl, now)
    }

    fn remove(&self, membership: &Membership) {
        self.lock().remove(membership);
    }

    fn remove_all(&self, hub: &HubName, user: &UserId) {
        self.lock().users.remove(&(hub.clone(), user.clone()));
    }

    fn groups(&self, hub: &HubName, user: &UserId, now: SystemTime) -> Vec<GroupName> {
        let memberships = self.lock();
        let Some(groups) = memberships.users.get(&(hub.clone(), user.clone())) else {
            return Vec::new();
        };
        let current = groups.iter().filter(|(_, entry)| entry.expires > now);
        current.map(|(group, _)| group.clone()).collect()
    }

    fn take_expired(&self, now: SystemTime) -> Vec<Membership> {
        self.lock().take_expired(now)
    }
}

impl Memberships {
    fn add(
        &mut self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<Membership> {
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
        vec![Membership { hub, user, group }]
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    fn membership(group: &str) -> Membership {
        Membership {
            hub: HubName::parse("chat").unwrap(),
            user: UserId::parse("ann").unwrap(),
            group: GroupName::parse(group).unwrap(),
        }
    }

    fn groups(store: &MemoryStore, now: SystemTime) -> Vec<String> {
        let Membership { hub, user, .. } = membership("any");
        let mut groups: Vec<String> =
            store.groups(&hub, &user, now).iter().map(ToString::to_string).collect();
        groups.sort();
        groups
    }

    #[test]
    fn a_membership_ends_with_its_time() {
        let store = MemoryStore::default();
        store.add(membership("a"), Some(Duration::from_secs(10)), at(0));
        store.add(membership("b"), None, at(0));
        assert_eq!(groups(&store, at(9)), ["a", "b"]);
        assert_eq!(groups(&store, at(10)), ["b"]);
        assert_eq!(store.take_expired(at(10)), [membership("a")]);
        assert_eq!(store.take_expired(at(10)), []);
        assert_eq!(store.take_expired(at(0) + UNTIMED_LIFETIME), [membership("b")]);
    }

    #[test]
    fn a_renewed_membership_lives_on() {
        let store = MemoryStore::default();
        store.add(membership("a"), Some(Duration::from_secs(10)), at(0));
        store.add(membership("a"), Some(Duration::from_secs(10)), at(5));
        assert_eq!(store.take_expired(at(10)), []);
        assert_eq!(groups(&store, at(14)), ["a"]);
        assert_eq!(store.take_expired(at(15)), [membership("a")]);
    }

    #[test]
    fn the_latest_hundred_untimed_groups_are_kept() {
        let store = MemoryStore::default();
        store.add(membership("timed"), Some(Duration::from_secs(10)), at(0));
        for number in 0..100 {
            assert_eq!(store.add(membership(&format!("g{number}")), None, at(0)), []);
        }
        store.add(membership("g0"), None, at(0));
        assert_eq!(store.add(membership("new"), None, at(0)), [membership("g1")]);
        let groups = groups(&store, at(0));
        assert_eq!(groups.len(), 101);
        assert!(groups.contains(&"timed".to_owned()) && groups.contains(&"g0".to_owned()));
    }

    #[test]
    fn removing_leaves_the_others() {
        let store = MemoryStore::default();
        for group in ["a", "b"] {
            store.add(membership(group), None, at(0));
        }
        store.remove(&membership("a"));
        store.remove(&membership("never there"));
        assert_eq!(groups(&store, at(0)), ["b"]);
        let Membership { hub, user, .. } = membership("any");
        store.remove_all(&hub, &user);
        assert_eq!(groups(&store, at(0)), [""; 0]);
    }

    #[test]
    fn an_endless_ttl_is_no_overflow() {
        let store = MemoryStore::default();
        store.add(membership("a"), Some(Duration::MAX), at(0));
        assert_eq!(groups(&store, at(1)), ["a"]);
    }
}
