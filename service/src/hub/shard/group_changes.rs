//! Changes of the groups that connections are in.

use std::{rc::Weak, sync::Arc, time::SystemTime};

use futures_util::FutureExt;
use signalr_serverless::{GroupName, HubName};
use tokio::task::spawn_local;

use super::{members::Way, state::Shard, table::Key};
use crate::{
    hub::command::{GroupChange, GroupsOf, Target},
    identity::Identity,
};

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
            if way == Way::ByUser
                && let Some(changes) = &mut connection.awaited_groups
            {
                changes.push(change.clone());
            }
            let (hub, groups) = (&connection.identity.hub, &mut connection.groups);
            self.groups.change(*key, hub, groups, change, way);
        }
    }

    /// Lets a connection that opens join the groups of its user: at once if the store knows them at
    /// once, else when it answers.
    pub(super) fn join_user_groups(&mut self, key: Key, identity: &Arc<Identity>) {
        if identity.user.is_none() {
            return;
        }
        let (store, identity) = (Arc::clone(&self.shared.store), Arc::clone(identity));
        let mut answer = Box::pin(async move {
            let Identity { hub, user: Some(user), .. } = &*identity else { return Vec::new() };
            store.groups(hub, user, SystemTime::now()).await
        });
        if let Some(groups) = answer.as_mut().now_or_never() {
            return self.join_each(key, groups);
        }
        if let Some(connection) = self.table.get_mut(key) {
            connection.awaited_groups = Some(Box::default());
        }
        let shard = Weak::clone(&self.itself);
        spawn_local(async move {
            let groups = answer.await;
            if let Some(shard) = shard.upgrade() {
                shard.borrow_mut().user_groups_came(key, groups);
            }
        });
    }

    /// The store's answer is as old as the question: what the user joined and left since is done
    /// again behind it.
    fn user_groups_came(&mut self, key: Key, groups: Vec<GroupName>) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let changes = connection.awaited_groups.take().unwrap_or_default();
        self.join_each(key, groups);
        for change in *changes {
            self.change_groups(&[key], &change, Way::ByUser);
        }
    }

    fn join_each(&mut self, key: Key, groups: Vec<GroupName>) {
        for group in groups {
            self.change_groups(&[key], &GroupChange::Join(group), Way::ByUser);
        }
    }
}
