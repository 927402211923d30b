//! The members of hubs and groups, for the connections that one shard owns.

use std::{collections::HashMap, hash::Hash};

use signalr_serverless::{GroupName, HubName, UserId};

use super::members::{Members, Way};
use crate::{
    broker::{Broker, Channel},
    hub::command::{GroupChange, Target},
    identity::Identity,
};

/// The hubs that have connections in this shard. `K` identifies a connection. A connection keeps a
/// list of its own groups, which is passed in for each change.
#[derive(Debug)]
pub(super) struct Groups<K> {
    hubs: HashMap<HubName, Members<K>>,
    /// Receives messages of other nodes for these groups, if there are other nodes.
    broker: Option<Broker>,
}

impl<K: Copy + Hash + Ord> Groups<K> {
    pub(super) fn new(broker: Option<Broker>) -> Self {
        Self { hubs: HashMap::new(), broker }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.hubs.is_empty()
    }

    /// Adds a connection to its hub.
    pub(super) fn enter(&mut self, key: K, identity: &Identity) {
        let members = self.hubs.entry(identity.hub.clone()).or_insert_with(Members::new);
        members.add(key, identity.user.as_ref());
    }

    /// Removes a connection from its hub and from all its groups.
    pub(super) fn leave(&mut self, key: K, identity: &Identity, groups: &mut Vec<GroupName>) {
        let Some(members) = self.hubs.get_mut(&identity.hub) else { return };
        members.remove(key, identity.user.as_ref(), &std::mem::take(groups));
        if members.is_empty() {
            self.hubs.remove(&identity.hub);
        }
    }

    /// Changes the groups of a connection, by itself or because of its user.
    pub(super) fn change(
        &mut self,
        key: K,
        hub: &HubName,
        groups: &mut Vec<GroupName>,
        change: &GroupChange,
        way: Way,
    ) {
        let Some(members) = self.hubs.get_mut(hub) else { return };
        match change {
            GroupChange::Join(group) => {
                let broker = self.broker.as_ref();
                let interest = || broker.map(|broker| broker.hold(Channel::Group(hub, group)));
                if members.join(key, group, way, interest) {
                    groups.push(group.clone());
                }
            }
            GroupChange::Leave(group) => {
                if members.leave(key, group, way) {
                    groups.retain(|one| one != group);
                }
            }
            GroupChange::LeaveAll => groups.retain(|group| !members.leave(key, group, way)),
        }
    }

    /// The connections that a target names, except a connection that is named by its id. The table
    /// finds that one.
    pub(super) fn matching(&self, hub: &HubName, target: &Target) -> Vec<K> {
        self.hubs.get(hub).map_or_else(Vec::new, |members| members.matching(target))
    }

    /// How many connections a target names, with the rules of [`matching`](Self::matching).
    pub(super) fn count(&self, hub: &HubName, target: &Target) -> usize {
        self.hubs.get(hub).map_or(0, |members| members.count(target))
    }

    /// The connections of a group in order, after `after`.
    pub(super) fn of_group(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<K>,
    ) -> impl Iterator<Item = K> {
        self.hubs.get(hub).into_iter().flat_map(move |members| members.of_group(group, after))
    }

    /// The hubs that have connections.
    pub(super) fn hubs(&self) -> Vec<HubName> {
        self.hubs.keys().cloned().collect()
    }

    /// The users of a hub, each with the number of connections.
    pub(super) fn users_of(&self, hub: &HubName) -> impl Iterator<Item = (&str, usize)> {
        self.hubs.get(hub).into_iter().flat_map(Members::sizes_of_users)
    }

    /// The groups of a hub, each with the number of connections.
    pub(super) fn groups_of(&self, hub: &HubName) -> impl Iterator<Item = (&str, usize)> {
        self.hubs.get(hub).into_iter().flat_map(Members::sizes_of_groups)
    }

    /// The users that have connections.
    pub(super) fn users(&self) -> Vec<(HubName, UserId)> {
        let of_hub = |(hub, members): (&HubName, &Members<K>)| {
            members.users().map(|user| (hub.clone(), user.clone())).collect::<Vec<_>>()
        };
        self.hubs.iter().flat_map(of_hub).collect()
    }

    /// Whether a connection is in a group because its user is.
    pub(super) fn is_in_by_user(&self, hub: &HubName, key: K, group: &GroupName) -> bool {
        self.hubs.get(hub).is_some_and(|members| members.is_in_by_user(key, group))
    }

    /// The ways in which a connection is in a group: by itself, and because of its user.
    pub(super) fn ways(&self, hub: &HubName, key: K, group: &GroupName) -> (bool, bool) {
        self.hubs.get(hub).map_or((false, false), |members| members.ways(key, group))
    }

    /// Whether a connection of the user is in the group because the user is.
    pub(super) fn is_user_in(&self, hub: &HubName, user: &UserId, group: &GroupName) -> bool {
        let Some(members) = self.hubs.get(hub) else { return false };
        members.of_user(user).into_iter().any(|key| members.is_in_by_user(key, group))
    }
}

#[cfg(test)]
mod tests {
    use signalr_serverless::ConnectionId;

    use super::*;

    fn ann() -> Identity {
        Identity {
            id: ConnectionId::parse("c").unwrap(),
            hub: HubName::parse("chat").unwrap(),
            user: Some(UserId::parse("ann").unwrap()),
        }
    }

    fn group(name: &str) -> GroupName {
        GroupName::parse(name).unwrap()
    }

    #[test]
    fn who_leaves_all_groups_because_of_the_user_stays_in_its_own() {
        let (mut groups, ann, mut own) = (Groups::new(None), ann(), Vec::new());
        groups.enter(1, &ann);
        let mut change = |change, way| groups.change(1, &ann.hub, &mut own, &change, way);
        change(GroupChange::Join(group("a")), Way::ByItself);
        change(GroupChange::Join(group("b")), Way::ByUser);
        change(GroupChange::LeaveAll, Way::ByUser);
        assert_eq!(own, [group("a")]);
        assert_eq!(groups.of_group(&ann.hub, &group("b"), None).count(), 0);
    }

    #[test]
    fn nothing_stays_of_a_hub_whose_connections_left() {
        let (mut groups, ann, mut own) = (Groups::new(None), ann(), Vec::new());
        groups.enter(1, &ann);
        groups.change(1, &ann.hub, &mut own, &GroupChange::Join(group("a")), Way::ByItself);
        groups.leave(1, &ann, &mut own);
        assert!(own.is_empty() && groups.hubs.is_empty());
    }
}
