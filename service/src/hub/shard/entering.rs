//! How a connection enters its hub and the groups of its user. Its handshake is answered when it is
//! in all of them, so that it misses no message that is sent to them afterwards.

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
    trace::{Event, Kind},
};

const NO_GROUPS: &str = "the groups of the user cannot be read; try again later";
const TOO_MANY_POSTS: &str = "the client posts too much before its connection is open";

impl Shard {
    /// Lets a connection that opens into its hub. This happens at once if the store knows the
    /// groups of its user at once. Otherwise it happens when the store answers.
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

    /// Notes a change for the connections of a user whose groups are being asked for. The answer
    /// may be from before the change, so the change is made again after the answer.
    pub(super) fn note_change(&mut self, hub: &HubName, user: &UserId, change: &GroupChange) {
        // Most of the time no connection is entering.
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

    /// Applies the changes since the last call to `groups`, and holds every channel. Returns `None`
    /// if the connection does not enter any more.
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

    /// Counts what a client posts before it has entered. Past the bound of its queue it is closed.
    pub(super) fn count_posted(&mut self, key: Key, bytes: usize) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(entering) = &mut connection.entering else { return };
        entering.posted = entering.posted.saturating_add(bytes);
        if entering.posted > self.shared.max_queued {
            self.close(key, Ended::Calls, Some(TOO_MANY_POSTS), self.now());
        }
    }

    /// Ends entering: the groups are known, or the store cannot be asked.
    fn entered(&mut self, key: Key, groups: Result<Vec<GroupName>, Down>) {
        let Some(entering) = self.leave_entering(key) else { return };
        if let Some(connection) = self.table.get_mut(key) {
            connection.count_partial();
            connection.carrier.read_on();
        }
        let now = self.now();
        match groups {
            Ok(groups) => {
                self.join_hub(key, groups);
                self.apply(key, entering.held, now);
            }
            Err(Down) => {
                // The first effect is the answer to the handshake. Without it the client does not
                // understand the close.
                self.apply(key, entering.held.into_iter().take(1).collect(), now);
                self.close(key, Ended::Broker, Some(NO_GROUPS), now);
            }
        }
    }
}

/// Waits until messages for the groups arrive here. Returns the groups as they are then.
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
    /// Adds a connection to its hub and to the groups of its user.
    fn join_hub(&mut self, key: Key, groups: Vec<GroupName>) {
        let Some(connection) = self.table.get_mut(key) else { return };
        connection.is_member = true;
        let identity = Arc::clone(&connection.identity);
        self.counts.opened(&identity.hub, connection.encoding());
        let transport = connection.encoding().transport.name();
        self.shared
            .records
            .trace
            .note(|| Event { what: Some(transport), ..Event::of(Kind::Connect, &identity) });
        self.groups.enter(key, &identity);
        for group in groups {
            self.change_groups(&[key], &GroupChange::Join(group), Way::ByUser);
        }
        self.open_upstream(key);
        tracing::debug!(connection = %identity.id, hub = %identity.hub, "a connection is open");
    }
}
