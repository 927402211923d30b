//! After the broker was away: changes of users' groups may have passed this node by, so the store is
//! asked again.

use std::{collections::HashSet, sync::Arc, time::SystemTime};

use signalr_serverless::{GroupName, HubName, UserId};

use super::{
    members::Way,
    pace::Pace,
    state::{Shard, SharedShard},
};
use crate::hub::command::{GroupChange, Target};

/// Asks for the groups of every user who has a connection here.
pub(super) async fn ask_again(shard: SharedShard) {
    let users = shard.borrow().groups.users();
    let store = Arc::clone(&shard.borrow().shared.store);
    let mut pace = Pace::new();
    for (hub, user) in users {
        pace.spend(1).await;
        shard.borrow_mut().asked_again.insert((hub.clone(), user.clone()), Vec::new());
        let answer = store.groups(&hub, &user, SystemTime::now()).await;
        let mut shard = shard.borrow_mut();
        let changes = shard.asked_again.remove(&(hub.clone(), user.clone())).unwrap_or_default();
        // If the broker is away again, all are asked for when it comes back.
        let Ok(mut groups) = answer else { return };
        groups.extend(store.passing(&hub, &user));
        shard.set_groups(&hub, &user, &groups);
        let keys = shard.groups.matching(&hub, &Target::User(user));
        for change in changes {
            shard.change_groups(&keys, &change, Way::ByUser);
        }
    }
}

impl Shard {
    /// Lets the connections of a user be in these groups because of the user, and in no others.
    fn set_groups(&mut self, hub: &HubName, user: &UserId, groups: &[GroupName]) {
        let keys = self.groups.matching(hub, &Target::User(user.clone()));
        let kept: HashSet<&GroupName> = groups.iter().collect();
        for key in keys {
            let Some(connection) = self.table.get(key) else { continue };
            let own = connection.groups.iter();
            let gone: Vec<GroupName> = own.filter(|group| !kept.contains(group)).cloned().collect();
            for group in gone {
                if self.groups.is_in_by_user(hub, key, &group) {
                    self.change_groups(&[key], &GroupChange::Leave(group), Way::ByUser);
                }
            }
            for group in groups {
                self.change_groups(&[key], &GroupChange::Join(group.clone()), Way::ByUser);
            }
        }
    }
}
