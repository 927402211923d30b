//! Changes the groups of connections.

use signalr_serverless::HubName;

use super::{members::Way, state::Shard, table::Key};
use crate::{
    hub::command::{GroupChange, GroupsOf, Target},
    identity::Identity,
    trace::{Event, Kind},
};

/// A change as an event of the live trace.
fn traced<'a>(change: &'a GroupChange, identity: &'a Identity) -> Event<'a> {
    let (what, group) = match change {
        GroupChange::Join(group) => ("join", Some(group.as_str())),
        GroupChange::Leave(group) => ("leave", Some(group.as_str())),
        GroupChange::LeaveAll => ("leave all", None),
    };
    Event { group, what: Some(what), ..Event::of(Kind::Group, identity) }
}

impl Shard {
    /// The connections whose groups change, and the way in which they are in these groups.
    pub(super) fn concerned(&self, hub: &HubName, of: &GroupsOf) -> (Vec<Key>, Way) {
        match of {
            GroupsOf::Connection(id) => (self.find(hub, id).into_iter().collect(), Way::ByItself),
            GroupsOf::User(user) => {
                (self.groups.matching(hub, &Target::User(user.clone())), Way::ByUser)
            }
        }
    }

    /// Changes the groups of these connections, as far as they are still in their hub.
    pub(super) fn change_groups(&mut self, keys: &[Key], change: &GroupChange, way: Way) {
        for key in keys {
            let Some(connection) = self.table.get_mut(*key).filter(|one| one.is_member) else {
                continue;
            };
            if let Some(changes) = self.arriving.get_mut(key) {
                changes.push((change.clone(), way));
            }
            let (hub, groups) = (&connection.identity.hub, &mut connection.groups);
            self.groups.change(*key, hub, groups, change, way);
            self.shared.records.trace.note(|| traced(change, &connection.identity));
        }
    }
}
