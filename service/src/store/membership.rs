//! A user's membership in a group, and the limits for memberships.

use std::time::Duration;

use signalr_serverless::{GroupName, HubName, UserId};

/// How many groups without an expiry are kept for one user: the latest ones. Source: the published
/// description of "Add a user to the target group".
pub(super) const UNTIMED_GROUPS_PER_USER: usize = 100;

/// How long a membership without an expiry is kept. Source: the published description of "Add a
/// user to the target group".
pub(super) const UNTIMED_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A user's membership in a group of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Membership {
    pub(crate) hub: HubName,
    pub(crate) user: UserId,
    pub(crate) group: GroupName,
}
