//! Everything that changes a hub or sends to it, as plain data.
//!
//! REST calls, transports and timers all produce these commands; shards carry them out in the one
//! order in which they were taken.

use std::sync::Arc;

use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::message::Message;
use crate::{filter::Filter, protocol::Outcome};

/// Something to do in a hub.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) hub: HubName,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    Send {
        recipients: Recipients,
        message: Arc<Message>,
    },
    /// Calls a method of one client; `message` is an invocation with this id.
    Invoke {
        connection: ConnectionId,
        invocation_id: String,
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
    JoinGroup {
        connection: ConnectionId,
        group: GroupName,
    },
    LeaveGroup {
        connection: ConnectionId,
        group: GroupName,
    },
    LeaveAllGroups {
        connection: ConnectionId,
    },
    UserJoinGroup {
        user: UserId,
        group: GroupName,
    },
    UserLeaveGroup {
        user: UserId,
        group: GroupName,
    },
    UserLeaveAllGroups {
        user: UserId,
    },
}

/// One thing that `Execute` does for each connection.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Arc<Message>),
    JoinGroup(GroupName),
    LeaveGroup(GroupName),
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
    pub(crate) fn is_invocation(&self) -> bool {
        matches!(self, Self::Invoke { .. })
    }

    /// The one connection that the action is about, where it is about one.
    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Send { recipients, .. } | Self::Close { recipients, .. } => {
                recipients.target.connection()
            }
            Self::Invoke { connection, .. }
            | Self::JoinGroup { connection, .. }
            | Self::LeaveGroup { connection, .. }
            | Self::LeaveAllGroups { connection } => Some(connection),
            Self::Execute { .. }
            | Self::UserJoinGroup { .. }
            | Self::UserLeaveGroup { .. }
            | Self::UserLeaveAllGroups { .. } => None,
        }
    }
}

impl Target {
    /// The one connection that is meant, where it is one.
    pub(crate) fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Connection(connection) => Some(connection),
            Self::Hub | Self::Group(_) | Self::User(_) => None,
        }
    }
}

/// A question about a hub. It is answered after the commands that were taken before it.
#[derive(Clone, Debug)]
pub(crate) enum Query {
    /// How many connections are there.
    Count(Target),
    /// How many connections of the user are in the group because the user is.
    CountUserInGroup { user: UserId, group: GroupName },
    /// The first connections of the group in the order of their ids, behind `after`.
    Members { group: GroupName, after: Option<ConnectionId>, limit: usize },
}

/// A connection of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) connection: ConnectionId,
    pub(crate) user: Option<UserId>,
}

/// A shard's answer to a query or a command.
#[derive(Debug)]
pub(crate) enum Answer {
    /// How many connections matched.
    Count(usize),
    Members(Vec<Member>),
    /// How an invocation ended.
    Outcome(Outcome),
}
