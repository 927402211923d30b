//! The members of a hub, for the connections that one shard owns: by connection, group and user.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    ops::Bound,
};

use signalr_serverless::{GroupName, UserId};

use crate::{broker::Interest, hub::command::Target};

/// The connections of one hub in one shard, by group and by user. `K` identifies a connection.
#[derive(Debug)]
pub(super) struct Members<K> {
    connections: HashSet<K>,
    groups: HashMap<GroupName, MembersOfGroup<K>>,
    users: HashMap<UserId, HashSet<K>>,
}

/// The connections of one group in one shard.
#[derive(Debug)]
struct MembersOfGroup<K> {
    /// In order, so that a page of a large group is found without reading the other members.
    ways: BTreeMap<K, Ways>,
    /// While this exists, messages of other nodes for the group arrive here.
    _interest: Option<Interest>,
}

/// A way to be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The connection itself was added.
    ByItself,
    /// Its user was added.
    ByUser,
}

/// The ways in which a connection is in a group. They are separate relations: if a user leaves a
/// group, a connection that joined by itself stays in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ways {
    by_itself: bool,
    by_user: bool,
}

impl<K: Copy + Hash + Ord> Members<K> {
    pub(super) fn new() -> Self {
        Self { connections: HashSet::new(), groups: HashMap::new(), users: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(super) fn add(&mut self, key: K, user: Option<&UserId>) {
        self.connections.insert(key);
        if let Some(user) = user {
            self.users.entry(user.clone()).or_default().insert(key);
        }
    }

    /// Removes a connection from the hub; `groups` are the groups that it is in.
    pub(super) fn remove(&mut self, key: K, user: Option<&UserId>, groups: &[GroupName]) {
        self.connections.remove(&key);
        if let Some(user) = user
            && let Some(connections) = self.users.get_mut(user)
        {
            connections.remove(&key);
            if connections.is_empty() {
                self.users.remove(user);
            }
        }
        for group in groups {
            self.leave(key, group, Way::ByItself);
        }
    }

    /// Puts a connection into a group. `interest` is called for the first connection of a group.
    /// Returns whether the connection was not in the group before.
    pub(super) fn join(
        &mut self,
        key: K,
        group: &GroupName,
        way: Way,
        interest: impl FnOnce() -> Option<Interest>,
    ) -> bool {
        let members = self
            .groups
            .entry(group.clone())
            .or_insert_with(|| MembersOfGroup { ways: BTreeMap::new(), _interest: interest() });
        let ways = members.ways.entry(key).or_default();
        let is_new = *ways == Ways::default();
        match way {
            Way::ByItself => ways.by_itself = true,
            Way::ByUser => ways.by_user = true,
        }
        is_new
    }

    /// Removes a connection from a group. If the connection itself leaves, it is removed in both
    /// ways. If its user leaves and it also joined by itself, it stays. Returns whether the
    /// connection is out of the group now.
    pub(super) fn leave(&mut self, key: K, group: &GroupName, way: Way) -> bool {
        let Some(members) = self.groups.get_mut(group) else { return false };
        let Some(ways) = members.ways.get_mut(&key) else { return false };
        ways.by_user = false;
        if way == Way::ByUser && ways.by_itself {
            return false;
        }
        members.ways.remove(&key);
        if members.ways.is_empty() {
            self.groups.remove(group);
        }
        true
    }

    pub(super) fn is_in_by_user(&self, key: K, group: &GroupName) -> bool {
        let ways = self.groups.get(group).and_then(|group| group.ways.get(&key));
        ways.is_some_and(|ways| ways.by_user)
    }

    /// The ways in which a connection is in a group: by itself, and because of its user.
    pub(super) fn ways(&self, key: K, group: &GroupName) -> (bool, bool) {
        let ways = self.groups.get(group).and_then(|group| group.ways.get(&key));
        ways.map_or((false, false), |ways| (ways.by_itself, ways.by_user))
    }

    /// Each user with the number of its connections.
    pub(super) fn sizes_of_users(&self) -> impl Iterator<Item = (&str, usize)> {
        self.users.iter().map(|(user, connections)| (user.as_str(), connections.len()))
    }

    /// Each group with the number of its connections.
    pub(super) fn sizes_of_groups(&self) -> impl Iterator<Item = (&str, usize)> {
        self.groups.iter().map(|(group, members)| (group.as_str(), members.ways.len()))
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    pub(super) fn of_user(&self, user: &UserId) -> Vec<K> {
        self.users.get(user).into_iter().flatten().copied().collect()
    }

    /// The connections of a group in order, after `after`.
    pub(super) fn of_group(&self, group: &GroupName, after: Option<K>) -> impl Iterator<Item = K> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let connections = self.groups.get(group).into_iter();
        connections
            .flat_map(move |one| one.ways.range((from, Bound::Unbounded)))
            .map(|(key, _)| *key)
    }

    /// The connections that a target names, except a connection that is named by its id. The shard
    /// finds that one.
    pub(super) fn matching(&self, target: &Target) -> Vec<K> {
        match target {
            Target::Hub => self.connections.iter().copied().collect(),
            Target::Group(group) => self.of_group(group, None).collect(),
            Target::User(user) => self.of_user(user),
            Target::Connection(_) => Vec::new(),
        }
    }

    pub(super) fn count(&self, target: &Target) -> usize {
        match target {
            Target::Hub => self.connections.len(),
            Target::Group(group) => self.groups.get(group).map_or(0, |one| one.ways.len()),
            Target::User(user) => self.users.get(user).map_or(0, HashSet::len),
            Target::Connection(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupName {
        GroupName::parse(name).unwrap()
    }

    #[test]
    fn the_two_ways_into_a_group_are_separate() {
        let mut members = Members::new();
        let ann = UserId::parse("ann").unwrap();
        members.add(1, Some(&ann));
        assert!(members.join(1, &group("g"), Way::ByItself, || None));
        assert!(!members.join(1, &group("g"), Way::ByUser, || None));
        assert!(!members.leave(1, &group("g"), Way::ByUser));
        assert_eq!(members.count(&Target::Group(group("g"))), 1);
        members.join(1, &group("g"), Way::ByUser, || None);
        assert!(members.leave(1, &group("g"), Way::ByItself));
        assert_eq!(members.count(&Target::Group(group("g"))), 0);
    }

    #[test]
    fn nothing_stays_of_a_connection_that_left() {
        let mut members = Members::new();
        let ann = UserId::parse("ann").unwrap();
        members.add(1, Some(&ann));
        members.join(1, &group("g"), Way::ByItself, || None);
        members.remove(1, Some(&ann), &[group("g")]);
        assert!(members.is_empty() && members.groups.is_empty() && members.users.is_empty());
    }
}
