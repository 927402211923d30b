//! Who is in a hub, as far as one shard owns it: its connections, groups and users.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use signalr_serverless::{GroupName, UserId};

use super::command::Target;

/// The connections of one hub in one shard, by group and by user. `K` names a connection.
#[derive(Debug)]
pub(crate) struct Members<K> {
    connections: HashSet<K>,
    groups: HashMap<GroupName, HashMap<K, Ways>>,
    users: HashMap<UserId, HashSet<K>>,
}

/// The ways in which a connection came to be in a group. They are separate relations: a user who
/// leaves a group does not take out a connection that joined by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ways {
    by_itself: bool,
    by_user: bool,
}

impl<K: Copy + Eq + Hash> Members<K> {
    pub(crate) fn new() -> Self {
        Self { connections: HashSet::new(), groups: HashMap::new(), users: HashMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(crate) fn add(&mut self, key: K, user: Option<&UserId>) {
        self.connections.insert(key);
        if let Some(user) = user {
            self.users.entry(user.clone()).or_default().insert(key);
        }
    }

    /// Removes a connection from the hub; `groups` are those it is in.
    pub(crate) fn remove(&mut self, key: K, user: Option<&UserId>, groups: &[GroupName]) {
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
            self.leave(key, group);
        }
    }

    /// Puts a connection into a group by itself. Returns whether it was not in it before.
    pub(crate) fn join(&mut self, key: K, group: &GroupName) -> bool {
        let ways = self.groups.entry(group.clone()).or_default().entry(key).or_default();
        let is_new = *ways == Ways::default();
        ways.by_itself = true;
        is_new
    }

    /// Puts a connection into a group because its user is. Returns whether it was not in it before.
    pub(crate) fn join_by_user(&mut self, key: K, group: &GroupName) -> bool {
        let ways = self.groups.entry(group.clone()).or_default().entry(key).or_default();
        let is_new = *ways == Ways::default();
        ways.by_user = true;
        is_new
    }

    /// Takes a connection out of a group, whichever way it came in.
    pub(crate) fn leave(&mut self, key: K, group: &GroupName) {
        if let Some(connections) = self.groups.get_mut(group) {
            connections.remove(&key);
            if connections.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Takes a connection out of a group that it is in only because its user is. Returns whether
    /// it is out now.
    pub(crate) fn leave_by_user(&mut self, key: K, group: &GroupName) -> bool {
        let Some(ways) = self.groups.get_mut(group).and_then(|group| group.get_mut(&key)) else {
            return false;
        };
        ways.by_user = false;
        if ways.by_itself {
            return false;
        }
        self.leave(key, group);
        true
    }

    pub(crate) fn is_in_by_user(&self, key: K, group: &GroupName) -> bool {
        let ways = self.groups.get(group).and_then(|group| group.get(&key));
        ways.is_some_and(|ways| ways.by_user)
    }

    pub(crate) fn of_user(&self, user: &UserId) -> Vec<K> {
        self.users.get(user).into_iter().flatten().copied().collect()
    }

    /// The connections of a group.
    pub(crate) fn of_group(&self, group: &GroupName) -> impl Iterator<Item = K> {
        self.groups.get(group).into_iter().flat_map(|connections| connections.keys().copied())
    }

    /// The connections that a target names. One by its id is the shard's to find, and not here.
    pub(crate) fn matching(&self, target: &Target) -> Vec<K> {
        match target {
            Target::Hub => self.connections.iter().copied().collect(),
            Target::Group(group) => self.of_group(group).collect(),
            Target::User(user) => self.of_user(user),
            Target::Connection(_) => Vec::new(),
        }
    }

    pub(crate) fn count(&self, target: &Target) -> usize {
        match target {
            Target::Hub => self.connections.len(),
            Target::Group(group) => self.groups.get(group).map_or(0, HashMap::len),
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
        assert!(members.join(1, &group("g")));
        assert!(!members.join_by_user(1, &group("g")));
        assert!(!members.leave_by_user(1, &group("g")));
        assert_eq!(members.count(&Target::Group(group("g"))), 1);
        members.join_by_user(1, &group("g"));
        members.leave(1, &group("g"));
        assert_eq!(members.count(&Target::Group(group("g"))), 0);
    }

    #[test]
    fn nothing_stays_of_a_connection_that_left() {
        let mut members = Members::new();
        let ann = UserId::parse("ann").unwrap();
        members.add(1, Some(&ann));
        members.join(1, &group("g"));
        members.remove(1, Some(&ann), &[group("g")]);
        assert!(members.is_empty() && members.groups.is_empty() && members.users.is_empty());
    }
}
