//! What shards are asked to do.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::sync::oneshot;

use super::{
    command::{Command, Target},
    counts::ShardCounts,
    message::Message,
};
use crate::{
    admission::Place,
    carrier::{Carrier, PollAnswer, WebSocket},
    identity::Identity,
    protocol::Outcome,
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

/// A call of a method of one client. `outcome` gets the client's answer; it is dropped if the
/// connection is not open, or ends before.
#[derive(Debug)]
pub(crate) struct Invoke {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    pub(crate) invocation_id: String,
    /// An invocation with this id.
    pub(crate) message: Arc<Message>,
    pub(crate) outcome: oneshot::Sender<Outcome>,
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

/// Where a page of a group's connections ended: behind this place of this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) shard: usize,
    pub(crate) place: u64,
}
