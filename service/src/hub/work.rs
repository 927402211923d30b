//! What shards are asked to do.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::sync::oneshot;

use super::{
    answer::Answered,
    command::{Command, Target},
    counts::ShardCounts,
    message::Message,
};
use crate::{
    admission::Place,
    broker::Interest,
    carrier::{Carrier, PollAnswer, WebSocket},
    identity::Identity,
    session::Terms,
    tokens::TokenGuard,
    upstream::Caller,
};

/// One thing that a shard is asked to do. A question is answered after the commands that were taken
/// before it. If the asker is gone, the answer is dropped.
#[derive(Debug)]
pub(crate) enum Work {
    Adopt(Box<NewConnection>),
    /// A client continues on another socket.
    Resume {
        connection: ConnectionId,
        socket: Box<WebSocket>,
    },
    /// A client without a socket of its own made a request.
    FromClient {
        connection: ConnectionId,
        request: ClientRequest,
    },
    /// `matched` gets how many connections the command was carried out for.
    Command {
        command: Arc<Command>,
        matched: Option<oneshot::Sender<usize>>,
    },
    Invoke(Invoke),
    Ask {
        hub: HubName,
        question: Question,
    },
    /// Ask the store again for the groups of all users, as changes may have been missed.
    AskGroupsAgain,
    /// Say what was counted.
    Report(oneshot::Sender<ShardCounts>),
    /// Close every connection that is there now, over a time, and go on. `done` gets how many there
    /// were.
    CloseOver {
        spread: Duration,
        done: oneshot::Sender<usize>,
    },
    /// Close every connection, then end.
    Stop,
}

/// A connection whose transport was just established.
#[derive(Debug)]
pub(crate) struct NewConnection {
    pub(crate) identity: Arc<Identity>,
    pub(crate) terms: Terms,
    pub(crate) carrier: Carrier,
    pub(crate) place: Place,
    /// Keeps the client's connection token for as long as the connection lasts; `None` for a client
    /// that skipped the negotiation.
    pub(crate) token: Option<TokenGuard>,
    /// Lets other nodes find the connection, its user and its hub, if there are other nodes.
    pub(crate) interests: Vec<Interest>,
    /// What the upstream is told about the client, if there is one.
    pub(crate) caller: Option<Caller>,
}

/// What a client without a socket of its own wants. The answer is dropped if its connection is
/// gone.
#[derive(Debug)]
pub(crate) enum ClientRequest {
    /// To send these.
    Messages { bytes: Bytes, taken: oneshot::Sender<()> },
    /// To get what waits for it.
    Poll(oneshot::Sender<PollAnswer>),
    /// To end its connection.
    End,
}

/// A call of a method of one client. `answer` gets what the client answers; it is dropped if the
/// connection is not open, or ends before.
#[derive(Debug)]
pub(crate) struct Invoke {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    pub(crate) invocation_id: String,
    /// An invocation with this id.
    pub(crate) message: Arc<Message>,
    pub(crate) answer: oneshot::Sender<Answered>,
}

/// A question about a hub, and where its answer goes.
#[derive(Debug)]
pub(crate) enum Question {
    /// How many connections are there.
    Count { target: Target, count: oneshot::Sender<usize> },
    /// Whether a connection of the user is in the group because the user is.
    IsUserInGroup { user: UserId, group: GroupName, is_in_group: oneshot::Sender<bool> },
    /// The first `limit` connections of the group in this shard, behind the place `after`.
    Members {
        group: GroupName,
        after: Option<u64>,
        limit: usize,
        members: oneshot::Sender<Vec<Member>>,
    },
}

/// A connection of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) connection: ConnectionId,
    pub(crate) user: Option<UserId>,
    /// Its place among the connections of its shard, which nobody else ever has.
    pub(crate) place: u64,
}

/// Where a page of a group's connections ended: behind this place of this shard of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    /// The number of the node; 0 if there is one only.
    pub(crate) node: u64,
    pub(crate) shard: usize,
    pub(crate) place: u64,
}
