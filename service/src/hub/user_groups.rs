//! The groups of users. The store keeps them, and the shards follow its changes.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{GroupName, HubName, UserId};
use tokio::{
    sync::{Mutex, MutexGuard, oneshot},
    time::Instant,
};

use super::{
    command::{Action, Command, GroupChange, GroupsOf},
    queues::{Queues, Stopping},
    refused::Refused,
    wire::user_change,
    work::{Question, Work},
};
use crate::{
    broker::{Answers, Next},
    store::{BrokerStore, Membership, OwnStore, Store},
};

/// How many changes may run at once. The changes of one user come one after the other.
const TURNS: usize = 64;

/// How long the other nodes may take to follow a change.
const FOLLOW: Duration = Duration::from_secs(1);

/// Changes the groups of users, and answers whether a user is in a group.
///
/// The store changes first, then the shards. A connection that opens in between reads the store,
/// and the change that follows then has no effect. If the store is the broker, it reports each
/// change to the nodes in the order of the changes. This node gets these reports too.
pub(crate) struct UserGroups {
    queues: Arc<Queues>,
    store: Arc<Store>,
    /// Held from a change of the store until the shards' queues have the change too, so that the
    /// changes of a user have the same order in both. A user's hash selects its turn.
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

impl UserGroups {
    pub(super) fn new(queues: Arc<Queues>, store: Arc<Store>) -> Self {
        let turns = [const { Mutex::const_new(()) }; TURNS];
        Self { queues, store, turns, hasher: RandomState::new() }
    }

    /// Adds a user to a group: the connections that are open now, and connections that open before
    /// the membership ends. With a `ttl` of zero only the open connections are added.
    pub(crate) async fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Result<(), Refused> {
        let Membership { hub, user, group } = membership.clone();
        let store = match self.store.own() {
            Ok(store) => store,
            Err(store) => return add_everywhere(store, &membership, ttl).await,
        };
        let _turn = self.turn(&hub, &user).lock().await;
        let dropped = match ttl {
            Some(Duration::ZERO) => Vec::new(),
            ttl => store.add(membership, ttl, now).await?,
        };
        self.push(&hub, &user, GroupChange::Join(group)).await?;
        for group in dropped {
            self.push(&hub, &user, GroupChange::Leave(group)).await?;
        }
        Ok(())
    }

    /// Removes a user from a group. Connections that joined by themselves stay.
    pub(crate) async fn remove(&self, membership: Membership) -> Result<(), Refused> {
        let Membership { hub, user, group } = &membership;
        let change = GroupChange::Leave(group.clone());
        let store = match self.store.own() {
            Ok(store) => store,
            Err(store) => {
                let change = user_change(hub, user, change);
                return followed(store.remove(hub, user, Some(group), change).await?).await;
            }
        };
        let _turn = self.turn(hub, user).lock().await;
        store.remove(&membership).await?;
        Ok(self.push(hub, user, change).await?)
    }

    /// Removes a user from every group of a hub.
    pub(crate) async fn remove_all(&self, hub: &HubName, user: &UserId) -> Result<(), Refused> {
        let store = match self.store.own() {
            Ok(store) => store,
            Err(store) => {
                let change = user_change(hub, user, GroupChange::LeaveAll);
                return followed(store.remove(hub, user, None, change).await?).await;
            }
        };
        let _turn = self.turn(hub, user).lock().await;
        store.remove_all(hub, user).await?;
        Ok(self.push(hub, user, GroupChange::LeaveAll).await?)
    }

    /// Ends the memberships that have expired.
    pub(crate) async fn expire(&self, now: SystemTime) -> Result<(), Stopping> {
        match self.store.own() {
            Ok(store) => self.expire_own(store, now).await,
            Err(store) => {
                for membership in store.expired() {
                    let Membership { hub, user, group } = &membership;
                    let _turn = self.turn(hub, user).lock().await;
                    if store.take_expired(&membership) {
                        self.push(hub, user, GroupChange::Leave(group.clone())).await?;
                    }
                }
                store.forget_absent();
                Ok(())
            }
        }
    }

    async fn expire_own(&self, store: OwnStore<'_>, now: SystemTime) -> Result<(), Stopping> {
        for Membership { hub, user, group } in store.take_expired(now).await {
            let _turn = self.turn(&hub, &user).lock().await;
            // The user may have been added again in the meantime.
            if !store.groups(&hub, &user, now).await.contains(&group) {
                self.push(&hub, &user, GroupChange::Leave(group)).await?;
            }
        }
        Ok(())
    }

    /// Notes a change that the store reports, for this node's connections. The membership lasts
    /// until `end`, in milliseconds since 1970, or for ever if `end` is 0. The caller holds the
    /// returned turn until the shards' queues have the change too.
    pub(crate) async fn note(
        &self,
        hub: &HubName,
        user: &UserId,
        change: &GroupChange,
        end: u64,
    ) -> Option<MutexGuard<'_, ()>> {
        let store = self.store.own().err()?;
        let turn = self.turn(hub, user).lock().await;
        match change {
            GroupChange::Join(group) => {
                let (hub, user, group) = (hub.clone(), user.clone(), group.clone());
                store.ends_at(Membership { hub, user, group }, end);
            }
            GroupChange::Leave(group) => store.ended(hub, user, Some(group)),
            GroupChange::LeaveAll => store.ended(hub, user, None),
        }
        Some(turn)
    }

    /// Whether a user is in a group. The store knows it, or, for memberships of open connections
    /// only, the connections of this node.
    pub(crate) async fn contains(
        &self,
        membership: &Membership,
        now: SystemTime,
    ) -> Result<bool, Refused> {
        let Membership { hub, user, group } = membership;
        if self.store.groups(hub, user, now).await?.contains(group) {
            return Ok(true);
        }
        Ok(self.is_in_group(hub.clone(), user, group).await?)
    }

    /// Whether a connection of this node is in the group because its user is.
    pub(crate) async fn is_in_group(
        &self,
        hub: HubName,
        user: &UserId,
        group: &GroupName,
    ) -> Result<bool, Stopping> {
        let mut answers = Vec::new();
        let work = || {
            let (is_in_group, answer) = oneshot::channel();
            answers.push(answer);
            let (user, group) = (user.clone(), group.clone());
            let question = Question::IsUserInGroup { user, group, is_in_group };
            Work::Ask { hub: hub.clone(), question }
        };
        self.queues.push(&self.queues.destinations.of_user(&hub, user), work).await?;
        for answer in answers {
            if answer.await.map_err(|_| Stopping)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn push(
        &self,
        hub: &HubName,
        user: &UserId,
        change: GroupChange,
    ) -> Result<(), Stopping> {
        let action = Action::Groups { of: GroupsOf::User(user.clone()), change };
        let command = Arc::new(Command { hub: hub.clone(), action, followed: None });
        let work = || Work::Command { command: Arc::clone(&command), matched: None };
        self.queues.push(&self.queues.destinations.of_user(hub, user), work).await
    }

    fn turn(&self, hub: &HubName, user: &UserId) -> &Mutex<()> {
        let turns = TURNS as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of turns")]
        let index = (self.hasher.hash_one((hub, user)) % turns) as usize;
        &self.turns[index]
    }
}

/// Adds a user to a group in the broker, which reports the change to the nodes.
async fn add_everywhere(
    store: &BrokerStore,
    membership: &Membership,
    ttl: Option<Duration>,
) -> Result<(), Refused> {
    let Membership { hub, user, group } = membership;
    let change = user_change(hub, user, GroupChange::Join(group.clone()));
    followed(store.add(membership, ttl, change).await?).await
}

/// Waits until every node has followed a change. The store already has the change, so a node that
/// takes too long is not waited for.
async fn followed(mut answers: Answers) -> Result<(), Refused> {
    let end = Instant::now() + FOLLOW;
    loop {
        match answers.next(end).await {
            Ok(Next::Answer(_)) => {}
            Ok(Next::All) => return Ok(()),
            Err(_) => {
                tracing::warn!("a node does not follow a change of a user's groups");
                return Ok(());
            }
        }
    }
}
