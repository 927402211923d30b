//! Questions about a hub, answered as far as one shard knows.

use signalr_serverless::{ConnectionId, GroupName, HubName};

use super::state::Shard;
use crate::hub::{
    command::Target,
    work::{Member, Question},
};

impl Shard {
    /// Answers a question. Whoever asked may have gone away.
    pub(super) fn answer(&self, hub: &HubName, question: Question) {
        match question {
            Question::Count { target, count } => {
                let _ = count.send(self.count(hub, &target));
            }
            Question::IsUserInGroup { user, group, is_in_group } => {
                let _ = is_in_group.send(self.groups.is_user_in(hub, &user, &group));
            }
            Question::Members { group, after, limit, members } => {
                let _ = members.send(self.members(hub, &group, after.as_ref(), limit));
            }
        }
    }

    fn count(&self, hub: &HubName, target: &Target) -> usize {
        match target {
            Target::Connection(id) => usize::from(self.find(hub, id).is_some()),
            target => self.groups.count(hub, target),
        }
    }

    /// The first connections of a group in the order of their ids, behind `after`.
    fn members(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<&ConnectionId>,
        limit: usize,
    ) -> Vec<Member> {
        let connections = self.groups.of_group(hub, group).filter_map(|key| self.table.get(key));
        let mut found: Vec<Member> = connections
            .map(|connection| &connection.identity)
            .filter(|identity| after.is_none_or(|after| identity.id > *after))
            .map(|identity| Member { connection: identity.id.clone(), user: identity.user.clone() })
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        found
    }
}
