//! Sends, closes and changes of groups, as plain data.
//!
//! REST calls, answers of the upstream and memberships that end produce these commands; shards carry
//! them out in the one order in which they were taken.

use std::sync::Arc;

use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::{followed::Followed, message::Message};
use crate::filter::Filter;

/// Something to do in a hub.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) hub: HubName,
    pub(crate) action: Action,
    /// Counts its deliveries for the log, if somebody follows them.
    pub(crate) followed: Option<Followed>,
}

#[derive(Debug)]
pub(crate) enum Action {
    Send {
        recipients: Recipients,
        message: Arc<Message>,
    },
    /// Does one thing after the other for the connections that match now, or for all.
    Execute {
        filter: Option<Filter>,
        steps: Vec<Step>,
    },
    Close {
        recipients: Recipients,
        reason: Option<String>,
    },
    Groups {
        of: GroupsOf,
        change: GroupChange,
    },
}

/// Whose groups change. The two relations are separate: if a user leaves a group, a connection that
/// joined by itself stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupsOf {
    Connection(ConnectionId),
    /// The user's connections, as far as they are in groups because of the user.
    User(UserId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    Join(GroupName),
    Leave(GroupName),
    LeaveAll,
}

/// One thing that `Execute` does for each connection.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Arc<Message>),
    Groups(GroupChange),
    Close { reason: Option<String> },
}

/// Which connections of a hub are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipients {
    pub(crate) target: Target,
    pub(crate) excluded: Vec<ConnectionId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Hub,
    Group(GroupName),
    User(UserId),
    Connection(ConnectionId),
}

impl From<Target> for Recipients {
    fn from(target: Target) -> Self {
        Self { target, excluded: Vec::new() }
    }
}

impl Action {
    /// What follows its deliveries, if it has any and the log is to say how many.
    pub(super) fn followed(&self) -> Option<Followed> {
        match self {
            Self::Send { .. } => Followed::begin(),
            Self::Execute { .. } | Self::Close { .. } | Self::Groups { .. } => None,
        }
    }

    /// The one connection that the action is about, if it is about one.
    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Send { recipients, .. } | Self::Close { recipients, .. } => {
                recipients.target.connection()
            }
            Self::Groups { of: GroupsOf::Connection(connection), .. } => Some(connection),
            Self::Groups { of: GroupsOf::User(_), .. } | Self::Execute { .. } => None,
        }
    }
}

impl Target {
    /// The one connection that is meant, if it is one.
    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Connection(connection) => Some(connection),
            Self::Hub | Self::Group(_) | Self::User(_) => None,
        }
    }
}
