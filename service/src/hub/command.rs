//! Sends, closes and changes of groups, as plain data.
//!
//! REST calls, answers of the upstream and memberships that expire make these commands. Shards
//! carry them out in the one order in which they were taken.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::{counts::TargetKind, followed::Followed, message::Message};
use crate::filter::Filter;

/// An action in a hub.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) hub: HubName,
    pub(crate) action: Action,
    /// Counts the deliveries for the log, if the message is followed.
    pub(crate) followed: Option<Followed>,
}

#[derive(Debug)]
pub(crate) enum Action {
    Send {
        recipients: Recipients,
        message: Arc<Message>,
    },
    /// Carries out the steps one after the other, for the connections that match now, or for all.
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

/// The owner of the groups that change. The two relations are separate: if a user leaves a group, a
/// connection that joined by itself stays in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupsOf {
    Connection(ConnectionId),
    /// The user's connections, for the groups that they are in because of the user.
    User(UserId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    Join(GroupName),
    Leave(GroupName),
    LeaveAll,
}

/// One step that `Execute` carries out for each connection.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Arc<Message>),
    Groups(GroupChange),
    Close { reason: Option<String> },
}

/// The connections of a hub that receive something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipients {
    pub(crate) target: Target,
    pub(crate) excluded: Vec<ConnectionId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Step {
    pub(super) fn is_send(&self) -> bool {
        matches!(self, Self::Send(_))
    }
}

impl Action {
    /// Whether the action is one message to its recipients.
    pub(crate) fn is_send(&self) -> bool {
        matches!(self, Self::Send { .. })
    }

    /// Counts the deliveries of the action, if it has any and they are to be in the log or in a
    /// trace.
    pub(super) fn followed(&self) -> Option<Followed> {
        match self {
            Self::Send { recipients, .. } => Followed::begin((&recipients.target).into()),
            Self::Execute { steps, .. } if steps.iter().any(Step::is_send) => {
                Followed::begin(TargetKind::Filter)
            }
            Self::Execute { .. } | Self::Close { .. } | Self::Groups { .. } => None,
        }
    }
}

impl From<&Target> for TargetKind {
    fn from(target: &Target) -> Self {
        match target {
            Target::Hub => Self::Hub,
            Target::Group(_) => Self::Group,
            Target::User(_) => Self::User,
            Target::Connection(_) => Self::Connection,
        }
    }
}
