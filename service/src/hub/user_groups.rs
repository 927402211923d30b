//! Which users are in which groups: the store keeps it, and the shards follow.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{HubName, UserId};
use tokio::sync::{Mutex, oneshot};

use super::{
    command::{Action, Command, GroupChange, GroupsOf},
    queues::{Queues, Stopping},
    work::{Question, Work},
};
use crate::store::{Membership, Store};

/// How many changes may be under way at once. Those of one user come one after the other.
const TURNS: usize = 64;

/// Changes the groups of users and answers who is in one.
///
/// The store changes first, then the shards. A connection that opens in between reads the store,
/// and the change that follows finds nothing left to do.
pub(crate) struct UserGroups {
    queues: Arc<Queues>,
    store: Arc<Store>,
    /// Held from a change of the store until the shards' queues have it too, so that both see the
    /// changes of a user in one order. A user's hash decides which turn it is.
    turns: [Mutex<()>; TURNS],
    hasher: RandomState,
}

impl UserGroups {
    pub(super) fn new(queues: Arc<Queues>, store: Arc<Store>) -> Self {
        let turns = [const { Mutex::const_new(()) }; TURNS];
        Self { queues, store, turns, hasher: RandomState::new() }
    }

    /// Adds a user to a group: the connections that are open now, and until the membership ends
    /// later ones too. With a `ttl` of zero it is for the open ones only.
    pub(crate) async fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Result<(), Stopping> {
        let Membership { hub, user, group } = membership.clone();
        let _turn = self.turn(&hub, &user).lock().await;
        let dropped = match ttl {
            Some(Duration::ZERO) => Vec::new(),
            ttl => self.store.add(membership, ttl, now).await,
        };
        self.push(&hub, &user, GroupChange::Join(group)).await?;
        for group in dropped {
            self.push(&hub, &user, GroupChange::Leave(group)).await?;
        }
        Ok(())
    }

    /// Takes a user out of a group. Connections that joined by themselves stay.
    pub(crate) async fn remove(&self, membership: Membership) -> Result<(), Stopping> {
        let Membership { hub, user, group } = &membership;
        let _turn = self.turn(hub, user).lock().await;
        self.store.remove(&membership).await;
        self.push(hub, user, GroupChange::Leave(group.clone())).await
    }

    /// Takes a user out of every group of a hub.
    pub(crate) async fn remove_all(&self, hub: &HubName, user: &UserId) -> Result<(), Stopping> {
        let _turn = self.turn(hub, user).lock().await;
        self.store.remove_all(hub, user).await;
        self.push(hub, user, GroupChange::LeaveAll).await
    }

    /// Ends the memberships whose time is over.
    pub(crate) async fn expire(&self, now: SystemTime) -> Result<(), Stopping> {
        for Membership { hub, user, group } in self.store.take_expired(now).await {
            let _turn = self.turn(&hub, &user).lock().await;
            // The user may have been added again since.
            if !self.store.groups(&hub, &user, now).await.contains(&group) {
                self.push(&hub, &user, GroupChange::Leave(group)).await?;
            }
        }
        Ok(())
    }

    /// Whether a user is in a group: by the store, or for connections that are open only.
    pub(crate) async fn contains(
        &self,
        membership: &Membership,
        now: SystemTime,
    ) -> Result<bool, Stopping> {
        let Membership { hub, user, group } = membership;
        if self.store.groups(hub, user, now).await.contains(group) {
            return Ok(true);
        }
        let mut answers = Vec::new();
        let work = || {
            let (is_in_group, answer) = oneshot::channel();
            answers.push(answer);
            let (user, group) = (user.clone(), group.clone());
            let question = Question::IsUserInGroup { user, group, is_in_group };
            Work::Ask { hub: hub.clone(), question }
        };
        self.queues.push_to_all(work).await?;
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
        self.queues.push_to_all(work).await
    }

    fn turn(&self, hub: &HubName, user: &UserId) -> &Mutex<()> {
        let turns = TURNS as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of turns")]
        let index = (self.hasher.hash_one((hub, user)) % turns) as usize;
        &self.turns[index]
    }
}
