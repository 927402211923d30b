//! Changes of the groups that connections are in.

use signalr_serverless::HubName;

use super::{members::Way, state::Shard, table::Key};
use crate::hub::command::{GroupChange, GroupsOf, Target};

impl Shard {
    /// The connections whose groups are meant, and in which way they are in them.
    pub(super) fn concerned(&self, hub: &HubName, of: &GroupsOf) -> (Vec<Key>, Way) {
        match of {
            GroupsOf::Connection(id) => (self.find(hub, id).into_iter().collect(), Way::ByItself),
            GroupsOf::User(user) => {
                (self.groups.matching(hub, &Target::User(user.clone())), Way::ByUser)
            }
        }
    }

    /// Changes the groups of those of the connections that are still in their hub.
    pub(super) fn change_groups(&mut self, keys: &[Key], change: &GroupChange, way: Way) {
        for key in keys {
            let Some(connection) = self.table.get_mut(*key).filter(|one| one.is_member) else {
                continue;
            };
            let (hub, groups) = (&connection.identity.hub, &mut connection.groups);
            self.groups.change(*key, hub, groups, change, way);
        }
    }
}
