//! Changes of groups and questions about them, as far as one shard knows.

use signalr_serverless::HubName;

use super::{Key, Shard};
use crate::hub::{
    command::{Action, Answer, Member, Query, Target},
    connection::Connection,
    members::Members,
};

impl Shard {
    /// Carries out a change of groups. Returns how many connections it concerned.
    pub(super) fn change_groups(&mut self, hub: &HubName, action: &Action) -> usize {
        let keys = match (action, action.connection(), self.hubs.get(hub)) {
            (_, Some(id), _) => self.find(hub, id).into_iter().collect(),
            (
                Action::UserJoinGroup { user, .. }
                | Action::UserLeaveGroup { user, .. }
                | Action::UserLeaveAllGroups { user },
                _,
                Some(members),
            ) => members.of_user(user),
            _ => Vec::new(),
        };
        let Some(members) = self.hubs.get_mut(hub) else { return 0 };
        for key in &keys {
            if let Some(connection) = self.connections.get_mut(*key) {
                change_groups_of(*key, connection, members, action);
            }
        }
        keys.len()
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

fn change_groups_of(
    key: Key,
    connection: &mut Connection,
    members: &mut Members<Key>,
    action: &Action,
) {
    let groups = &mut connection.groups;
    match action {
        Action::JoinGroup { group, .. } => {
            if members.join(key, group) {
                groups.push(group.clone());
            }
        }
        Action::UserJoinGroup { group, .. } => {
            if members.join_by_user(key, group) {
                groups.push(group.clone());
            }
        }
        Action::LeaveGroup { group, .. } => {
            members.leave(key, group);
            groups.retain(|one| one != group);
        }
        Action::UserLeaveGroup { group, .. } => {
            if members.leave_by_user(key, group) {
                groups.retain(|one| one != group);
            }
        }
        Action::LeaveAllGroups { .. } => {
            for group in groups.drain(..) {
                members.leave(key, &group);
            }
        }
        Action::UserLeaveAllGroups { .. } => {
            groups.retain(|group| !members.leave_by_user(key, group));
        }
        Action::Send { .. } | Action::Close { .. } => {}
    }
}
