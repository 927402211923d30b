//! Which users belong to which groups, and until when. Nothing else is kept.

mod memory;

use std::time::{Duration, SystemTime};

pub use memory::MemoryStore;
use signalr_serverless::{GroupName, HubName, UserId};

/// How many groups without an expiry of their own are kept for one user: the latest.
/// Source: the published description of "Add a user to the target group".
pub const UNTIMED_GROUPS_PER_USER: usize = 100;

/// How long a membership without an expiry of its own is kept.
/// Source: the published description of "Add a user to the target group".
pub const UNTIMED_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A user's membership in a group of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "complete: a membership is these three names")]
pub struct Membership {
    /// The hub.
    pub hub: HubName,
    /// The user.
    pub user: UserId,
    /// The group.
    pub group: GroupName,
}

/// Keeps the memberships of users in groups, so that connections opened later join them too.
///
/// Calls are short and do not block: they are made while commands are put in order.
pub trait Store: Send + Sync {
    /// Adds a membership, for `ttl` or, without one, for [`UNTIMED_LIFETIME`]. Returns the
    /// memberships of the user that had to go for it ([`UNTIMED_GROUPS_PER_USER`]).
    fn add(
        &self,
        membership: Membership,
        ttl: Option<Duration>,
        now: SystemTime,
    ) -> Vec<Membership>;

    /// Removes a membership; nothing happens where there is none.
    fn remove(&self, membership: &Membership);

    /// Removes all memberships of a user in a hub.
    fn remove_all(&self, hub: &HubName, user: &UserId);

    /// The groups that a user belongs to now.
    fn groups(&self, hub: &HubName, user: &UserId, now: SystemTime) -> Vec<GroupName>;

    /// Removes and returns the memberships whose time is over.
    fn take_expired(&self, now: SystemTime) -> Vec<Membership>;
}
