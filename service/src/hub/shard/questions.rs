//! Questions about a hub. The answers cover the connections of one shard.

use signalr_serverless::{GroupName, HubName};

use super::{state::Shard, table::Key};
use crate::hub::{
    command::Target,
    work::{Member, Question},
};

impl Shard {
    /// Answers a question. The caller may be gone.
    pub(super) fn answer(&self, hub: &HubName, question: Question) {
        match question {
            Question::Count { target, count } => {
                let _ = count.send(self.count(hub, &target));
            }
            Question::IsUserInGroup { user, group, is_in_group } => {
                let _ = is_in_group.send(self.groups.is_user_in(hub, &user, &group));
            }
            Question::Members { group, after, limit, members } => {
                let _ = members.send(self.members(hub, &group, after, limit));
            }
        }
    }

    fn count(&self, hub: &HubName, target: &Target) -> usize {
        match target {
            Target::Connection(id) => usize::from(self.find(hub, id).is_some()),
            target => self.groups.count(hub, target),
        }
    }

    /// The first connections of the group after the place `after`. The cost depends only on how
    /// many are found.
    fn members(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<u64>,
        limit: usize,
    ) -> Vec<Member> {
        let keys = self.groups.of_group(hub, group, after.map(Key::from_place));
        let found = keys.filter_map(|key| Some((key, &self.table.get(key)?.identity)));
        found
            .take(limit)
            .map(|(key, identity)| Member {
                connection: identity.id.clone(),
                user: identity.user.clone(),
                place: key.place(),
            })
            .collect()
    }
}
