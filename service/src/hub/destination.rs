//! Which shards get a piece of work.

use signalr_serverless::{HubName, UserId};

use super::{
    command::{Action, GroupsOf, Target},
    user_shards::UserShards,
};
use crate::shard_of::ShardOf;

/// The shards that get a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    One(usize),
    /// Each shard once. There are none if the work concerns no connection of this node.
    These(Vec<usize>),
    All,
}

/// Finds the shards of a piece of work.
#[derive(Clone, Debug)]
pub(super) struct Destinations {
    pub(super) shard_of: ShardOf,
    pub(super) users: UserShards,
}

impl Destinations {
    pub(super) fn new(shard_of: ShardOf) -> Self {
        Self { shard_of, users: UserShards::default() }
    }

    /// The shards that may have connections which an action concerns.
    pub(super) fn of_action(&self, hub: &HubName, action: &Action) -> Destination {
        match action {
            Action::Send { recipients, .. } | Action::Close { recipients, .. } => {
                self.of_target(hub, &recipients.target)
            }
            Action::Groups { of: GroupsOf::Connection(connection), .. } => {
                Destination::One(self.shard_of.connection(connection))
            }
            Action::Groups { of: GroupsOf::User(user), .. } => self.of_user(hub, user),
            Action::Execute { .. } => Destination::All,
        }
    }

    /// The shards that may have connections of a target.
    pub(super) fn of_target(&self, hub: &HubName, target: &Target) -> Destination {
        match target {
            Target::Hub | Target::Group(_) => Destination::All,
            Target::User(user) => self.of_user(hub, user),
            Target::Connection(connection) => {
                Destination::One(self.shard_of.connection(connection))
            }
        }
    }

    /// The shards that have connections of a user.
    pub(super) fn of_user(&self, hub: &HubName, user: &UserId) -> Destination {
        let shards = self.users.of(hub, user);
        match *shards {
            [shard] => Destination::One(shard),
            _ => Destination::These(shards),
        }
    }
}
