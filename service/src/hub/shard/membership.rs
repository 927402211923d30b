//! Changes of groups and questions about them, as far as one shard knows.

use signalr_serverless::{GroupName, HubName};

use super::{Key, Shard};
use crate::{
    filter::{Filter, Subject},
    hub::{
        command::{Action, Answer, Member, Query, Target},
        connection::Connection,
        members::Members,
    },
};

/// What happens to the groups of a connection.
#[derive(Debug)]
pub(super) enum Change<'a> {
    Join(&'a GroupName),
    Leave(&'a GroupName),
    LeaveAll,
    JoinByUser(&'a GroupName),
    LeaveByUser(&'a GroupName),
    LeaveAllByUser,
}

impl Shard {
    /// Carries out a change of groups. Returns how many connections it concerned.
    pub(super) fn change_groups(&mut self, hub: &HubName, action: &Action) -> usize {
        let of_connection = |id| self.find(hub, id).into_iter().collect::<Vec<Key>>();
        let of_user =
            |user| self.hubs.get(hub).map_or_else(Vec::new, |members| members.of_user(user));
        let (keys, change) = match action {
            Action::JoinGroup { connection, group } => {
                (of_connection(connection), Change::Join(group))
            }
            Action::LeaveGroup { connection, group } => {
                (of_connection(connection), Change::Leave(group))
            }
            Action::LeaveAllGroups { connection } => (of_connection(connection), Change::LeaveAll),
            Action::UserJoinGroup { user, group } => (of_user(user), Change::JoinByUser(group)),
            Action::UserLeaveGroup { user, group } => (of_user(user), Change::LeaveByUser(group)),
            Action::UserLeaveAllGroups { user } => (of_user(user), Change::LeaveAllByUser),
            Action::Send { .. }
            | Action::Invoke { .. }
            | Action::Execute { .. }
            | Action::Close { .. } => return 0,
        };
        self.change(hub, &keys, &change);
        keys.len()
    }

    pub(super) fn change(&mut self, hub: &HubName, keys: &[Key], change: &Change<'_>) {
        let Some(members) = self.hubs.get_mut(hub) else { return };
        for key in keys {
            if let Some(connection) = self.connections.get_mut(*key)
                && connection.is_member
            {
                change.apply(*key, connection, members);
            }
        }
    }

    /// The connections of a hub that a filter is true of; all of them without one.
    pub(super) fn matching(&self, hub: &HubName, filter: Option<&Filter>) -> Vec<Key> {
        let Some(members) = self.hubs.get(hub) else { return Vec::new() };
        let mut keys = members.matching(&Target::Hub);
        if let Some(filter) = filter {
            keys.retain(|key| {
                self.connections.get(*key).is_some_and(|connection| {
                    filter.matches(&Subject {
                        connection: &connection.identity.id,
                        user: connection.identity.user.as_ref(),
                        groups: &connection.groups,
                    })
                })
            });
        }
        keys
    }

    pub(super) fn look_up(&self, hub: &HubName, query: &Query) -> Answer {
        let members = self.hubs.get(hub);
        match query {
            Query::Count(Target::Connection(id)) => {
                Answer::Count(usize::from(self.find(hub, id).is_some()))
            }
            Query::Count(target) => {
                Answer::Count(members.map_or(0, |members| members.count(target)))
            }
            Query::CountUserInGroup { user, group } => {
                let count = |members: &Members<Key>| {
                    let of_user = members.of_user(user).into_iter();
                    of_user.filter(|key| members.is_in_by_user(*key, group)).count()
                };
                Answer::Count(members.map_or(0, count))
            }
            Query::Members { group, after, limit } => {
                let keys = members.into_iter().flat_map(|members| members.of_group(group));
                let identities = keys.filter_map(|key| self.connections.get(key));
                let mut found: Vec<Member> = identities
                    .map(|connection| &connection.identity)
                    .filter(|identity| after.as_ref().is_none_or(|after| identity.id > *after))
                    .map(|identity| Member {
                        connection: identity.id.clone(),
                        user: identity.user.clone(),
                    })
                    .collect();
                found.sort_unstable();
                found.truncate(*limit);
                Answer::Members(found)
            }
        }
    }
}

impl Change<'_> {
    fn apply(&self, key: Key, connection: &mut Connection, members: &mut Members<Key>) {
        let groups = &mut connection.groups;
        match self {
            Self::Join(group) if members.join(key, group) => groups.push(GroupName::clone(group)),
            Self::JoinByUser(group) if members.join_by_user(key, group) => {
                groups.push(GroupName::clone(group));
            }
            Self::Leave(group) => {
                members.leave(key, group);
                groups.retain(|one| one != *group);
            }
            Self::LeaveByUser(group) if members.leave_by_user(key, group) => {
                groups.retain(|one| one != *group);
            }
            Self::LeaveAll => {
                for group in groups.drain(..) {
                    members.leave(key, &group);
                }
            }
            Self::LeaveAllByUser => groups.retain(|group| !members.leave_by_user(key, group)),
            Self::Join(_) | Self::JoinByUser(_) | Self::LeaveByUser(_) => {}
        }
    }
}
