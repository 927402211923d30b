//! Asks the store again after the broker was away, because this node may have missed changes of
//! users' groups.

use std::{collections::HashSet, rc::Rc, sync::Arc, time::SystemTime};

use signalr_serverless::{GroupName, HubName, UserId};

use super::{
    members::Way,
    pace::Pace,
    state::{Shard, SharedShard},
};
use crate::hub::command::{GroupChange, Target};

/// Asks for the groups of every user that has a connection in this shard.
pub(super) async fn ask_again(shard: SharedShard) {
    let asking = Rc::clone(&shard.borrow().asking_again);
    let _turn = asking.lock().await;
    let users = shard.borrow().groups.users();
    let store = Arc::clone(&shard.borrow().shared.store);
    let mut pace = Pace::new();
    for (hub, user) in users {
        pace.spend(1).await;
        shard.borrow_mut().asked_again.insert((hub.clone(), user.clone()), Vec::new());
        let answer = store.groups(&hub, &user, SystemTime::now()).await;
        let mut shard = shard.borrow_mut();
        let changes = shard.asked_again.remove(&(hub.clone(), user.clone())).unwrap_or_default();
        // If the broker is away again, all users are asked for when it comes back.
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
    /// Puts the connections of a user into these groups because of the user, and takes them out of
    /// the user's other groups.
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
