//! Which users are in which groups: the store and the shards change in one order.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{GroupName, HubName, UserId};

use super::{
    Hubs, Stopping,
    command::{Action, Command, Query},
    count,
    shard::Work,
};
use crate::store::Membership;

impl Hubs {
    /// Adds a user to a group: the connections open now, and where it is kept, later ones too.
    pub(crate) async fn add_user_to_group(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Result<(), Stopping> {
        let is_kept = ttl != Some(Duration::ZERO);
        let mut dropped = Vec::new();
        let command =
            user_command(&membership, |user, group| Action::UserJoinGroup { user, group });
        self.push(command, || {
            if is_kept {
                dropped = self.shared.store.add(membership, ttl, now);
            }
            true
        })
        .await?;
        self.end_memberships(dropped, now).await
    }

    pub(crate) async fn remove_user_from_group(
        &self,
        membership: Membership,
    ) -> Result<(), Stopping> {
        let command =
            user_command(&membership, |user, group| Action::UserLeaveGroup { user, group });
        self.push(command, || {
            self.shared.store.remove(&membership);
            true
        })
        .await
    }

    pub(crate) async fn remove_user_from_all_groups(
        &self,
        hub: HubName,
        user: UserId,
    ) -> Result<(), Stopping> {
        let action = Action::UserLeaveAllGroups { user: user.clone() };
        let command = Arc::new(Command { hub: hub.clone(), action });
        let work = || Work::Command { command: Arc::clone(&command), answer: None };
        self.push(work, || {
            self.shared.store.remove_all(&hub, &user);
            true
        })
        .await
    }

    /// Ends the memberships whose time is over.
    pub(crate) async fn expire(&self, now: SystemTime) -> Result<(), Stopping> {
        self.end_memberships(self.shared.store.take_expired(now), now).await
    }

    /// Takes the open connections out of groups that their users are no longer in.
    async fn end_memberships(
        &self,
        memberships: Vec<Membership>,
        now: SystemTime,
    ) -> Result<(), Stopping> {
        for membership in memberships {
            let command =
                user_command(&membership, |user, group| Action::UserLeaveGroup { user, group });
            // The user may have been added again since.
            let Membership { hub, user, group } = &membership;
            let is_over = || !self.shared.store.groups(hub, user, now).contains(group);
            self.push(command, is_over).await?;
        }
        Ok(())
    }

    /// Whether a user is in a group.
    pub(crate) async fn is_user_in_group(
        &self,
        membership: Membership,
        now: SystemTime,
    ) -> Result<bool, Stopping> {
        let Membership { hub, user, group } = membership;
        if self.shared.store.groups(&hub, &user, now).contains(&group) {
            return Ok(true);
        }
        let answers = self.ask(hub, Query::CountUserInGroup { user, group }).await?;
        Ok(count(answers).await? > 0)
    }
}

/// The work for every shard where a user joins or leaves a group.
fn user_command<F: FnOnce(UserId, GroupName) -> Action>(
    membership: &Membership,
    action: F,
) -> impl Fn() -> Work + use<F> {
    let Membership { hub, user, group } = membership.clone();
    let command = Arc::new(Command { hub, action: action(user, group) });
    move || Work::Command { command: Arc::clone(&command), answer: None }
}
