//! The way of a connection into its hub and the groups of its user. It is answered when it is in all
//! of them, so that nothing sent to them afterwards passes it by.

use std::{rc::Weak, sync::Arc, time::SystemTime};

use futures_util::FutureExt;
use signalr_serverless::{GroupName, HubName, UserId};
use tokio::task::spawn_local;

use super::{
    members::Way,
    state::{Shard, WeakShard},
    table::Key,
};
use crate::{
    broker::{Broker, Channel, Down},
    hub::command::GroupChange,
    identity::Identity,
    session::Ended,
};

const NO_GROUPS: &str = "the groups of the user cannot be read; try again later";

impl Shard {
    /// Lets a connection that opens into its hub: at once if the store knows the groups of its user at
    /// once, else when it answers.
    pub(super) fn enter(&mut self, key: Key) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let identity = Arc::clone(&connection.identity);
        let Some(user) = identity.user.clone() else { return self.join_hub(key, Vec::new()) };
        let (store, asked) = (Arc::clone(&self.shared.store), Arc::clone(&identity));
        let mut answer =
            Box::pin(async move { store.groups(&asked.hub, &user, SystemTime::now()).await });
        if let Some(answer) = answer.as_mut().now_or_never() {
            return match answer {
                Ok(groups) => self.join_hub(key, groups),
                Err(Down) => self.close(key, Ended::Broker, Some(NO_GROUPS), self.now()),
            };
        }
        if let (Some(connection), Some(user)) = (self.table.get_mut(key), &identity.user) {
            connection.entering = Some(Box::default());
            let of_user = self.entering.entry((identity.hub.clone(), user.clone())).or_default();
            of_user.insert(key);
        }
        let shard = Weak::clone(&self.itself);
        spawn_local(async move {
            let groups = match answer.await {
                Ok(groups) => reach_all(&shard, key, &identity, groups).await,
                Err(down) => Err(down),
            };
            if let Some(shard) = shard.upgrade() {
                shard.borrow_mut().entered(key, groups);
            }
        });
    }

    /// Notes a change for the connections of a user whose groups are being asked for. The answer is as
    /// old as the question, so the change is done again behind it.
    pub(super) fn note_change(&mut self, hub: &HubName, user: &UserId, change: &GroupChange) {
        // Most of the time nobody enters.
        if self.entering.is_empty() && self.asked_again.is_empty() {
            return;
        }
        let of_user = (hub.clone(), user.clone());
        if let Some(changes) = self.asked_again.get_mut(&of_user) {
            changes.push(change.clone());
        }
        let Some(keys) = self.entering.get(&of_user) else { return };
        for key in keys {
            let Some(connection) = self.table.get_mut(*key) else { continue };
            let Some(entering) = &mut connection.entering else { continue };
            entering.changes.push(change.clone());
            if let (GroupChange::Join(group), Some(broker)) = (change, &self.shared.broker) {
                entering.interests.push(broker.hold(Channel::Group(hub, group)));
            }
        }
    }

    /// What happened to the groups since the last look is done to `groups`, and every channel is
    /// held. Returns `None` if the connection does not enter any more.
    fn follow(&mut self, key: Key, hub: &HubName, groups: &mut Vec<GroupName>) -> Option<()> {
        let broker = self.shared.broker.clone();
        let entering = self.table.get_mut(key)?.entering.as_mut()?;
        for change in entering.changes.drain(..) {
            match change {
                GroupChange::Join(group) if groups.contains(&group) => {}
                GroupChange::Join(group) => groups.push(group),
                GroupChange::Leave(group) => groups.retain(|one| *one != group),
                GroupChange::LeaveAll => groups.clear(),
            }
        }
        if let Some(broker) = broker {
            let hold = |group| broker.hold(Channel::Group(hub, group));
            entering.interests = groups.iter().map(hold).collect();
        }
        Some(())
    }

    /// The connection is in the groups, or the store cannot be asked.
    fn entered(&mut self, key: Key, groups: Result<Vec<GroupName>, Down>) {
        let Some(entering) = self.leave_entering(key) else { return };
        let now = self.now();
        match groups {
            Ok(groups) => {
                self.join_hub(key, groups);
                self.apply(key, entering.held, now);
            }
            Err(Down) => {
                // The answer to the handshake, so that the client understands the rest.
                self.apply(key, entering.held.into_iter().take(1).collect(), now);
                self.close(key, Ended::Broker, Some(NO_GROUPS), now);
            }
        }
    }
}

/// Waits until what is sent to the groups comes here. Returns the groups as they are then.
async fn reach_all(
    shard: &WeakShard,
    key: Key,
    identity: &Identity,
    mut groups: Vec<GroupName>,
) -> Result<Vec<GroupName>, Down> {
    let hub = &identity.hub;
    let mut reached: Vec<GroupName> = Vec::new();
    loop {
        let broker: Option<Broker> = {
            let Some(shard) = shard.upgrade() else { return Err(Down) };
            let mut shard = shard.borrow_mut();
            if shard.follow(key, hub, &mut groups).is_none() {
                return Ok(groups);
            }
            shard.shared.broker.clone()
        };
        let next: Vec<GroupName> =
            groups.iter().filter(|group| !reached.contains(group)).cloned().collect();
        let Some(broker) = broker.filter(|_| !next.is_empty()) else { return Ok(groups) };
        for group in &next {
            broker.confirmed(Channel::Group(hub, group)).await?;
        }
        reached.extend(next);
    }
}

impl Shard {
    /// Lets a connection take part in its hub and in the groups of its user.
    fn join_hub(&mut self, key: Key, groups: Vec<GroupName>) {
        let Some(connection) = self.table.get_mut(key) else { return };
        connection.is_member = true;
        let identity = Arc::clone(&connection.identity);
        self.counts.opened(&identity.hub, connection.encoding());
        self.groups.enter(key, &identity);
        for group in groups {
            self.change_groups(&[key], &GroupChange::Join(group), Way::ByUser);
        }
        self.open_upstream(key);
        tracing::debug!(connection = %identity.id, hub = %identity.hub, "a connection is open");
    }
}
