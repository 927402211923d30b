//! A connection with stateful reconnect that moves from its node to the node that its client has
//! reached.

use signalr_serverless::GroupName;
use tokio::sync::oneshot;

use super::answer::Answered;
use crate::{login::Claim, protocol::Protocol, session::MovedSession};

/// The callers that wait for answers of a client that has moved, by invocation id.
pub(crate) type Unanswered = Vec<(String, oneshot::Sender<Answered>)>;

/// The data that a node needs before it can take a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) protocol: Protocol,
    pub(crate) groups: Vec<InGroup>,
}

/// A group of a connection, and the ways in which the connection is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InGroup {
    pub(crate) group: GroupName,
    pub(crate) by_itself: bool,
    pub(crate) by_user: bool,
}

/// The data that moves with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) session: MovedSession,
    pub(crate) claims: Vec<Claim>,
    pub(crate) groups: Vec<InGroup>,
    /// The client's calls that the upstream of the node has still to answer.
    pub(crate) calls: Vec<String>,
    /// The calls that the client has still to answer. Their callers wait at the node that it left.
    pub(crate) invocations: Vec<String>,
}
