//! The work of shards.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};
use tokio::sync::oneshot;

use super::{
    answer::Answered,
    command::{Command, Target},
    counts::ShardCounts,
    look::Look,
    message::Message,
    moving::{Moved, Outline, Unanswered},
    user_shards::UserHere,
};
use crate::{
    admission::Place,
    app_server::AppClient,
    broker::Interest,
    carrier::{Carrier, PollAnswer, WebSocket},
    identity::Identity,
    login::{Claim, LoginClaims, OtherUser, Renewal},
    session::Terms,
    tokens::TokenGuard,
    upstream::{Caller, ConnectionEvents},
};

/// One piece of work for a shard. A question is answered after the commands that were taken before
/// it. If the caller is gone, the answer is dropped.
#[derive(Debug)]
pub(crate) enum Work {
    /// A connection begins.
    Adopt {
        connection: Box<NewConnection>,
        user_here: Option<UserHere>,
    },
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
    /// `matched` gets the number of connections for which the command was carried out.
    Command {
        command: Arc<Command>,
        matched: Option<oneshot::Sender<usize>>,
    },
    Invoke(Invoke),
    Login(LoginRequest),
    /// A step of moving a connection from one node to another.
    Move {
        hub: HubName,
        connection: ConnectionId,
        step: Step,
    },
    /// An app server has sent something for one client.
    FromApp {
        hub: HubName,
        connection: ConnectionId,
        /// The number of its server connection.
        server: u64,
        said: FromApp,
    },
    /// The clients of a server connection have to move to other app servers.
    AppMoves {
        server: u64,
        /// Whether the server connection is lost, so that it gives no more answers.
        is_lost: bool,
    },
    /// A server connection is lost. The clients that were given to it end too.
    AppGone {
        server: u64,
    },
    Ask {
        hub: HubName,
        question: Question,
    },
    /// Ask the store again for the groups of all users, because changes may have been missed.
    AskGroupsAgain,
    /// A look of an operator. It runs beside other work.
    Look(Box<Look>),
    /// Report the counts.
    Report(oneshot::Sender<ShardCounts>),
    /// Close every connection that exists now, over a period of time, and continue. `done` gets the
    /// number of connections.
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
    /// Keeps the client's connection token valid for as long as the connection lasts. `None` for a
    /// client that skipped the negotiation.
    pub(crate) token: Option<TokenGuard>,
    /// Lets other nodes find the connection, its user and its hub, if there are other nodes.
    pub(crate) interests: Vec<Interest>,
    /// The claims of the client's login.
    pub(crate) claims: LoginClaims,
    /// The data about the client for the upstream, if there is an upstream.
    pub(crate) caller: Option<Caller>,
    /// The data about the client for its app server, if an app server has to answer it.
    pub(crate) app: Option<Box<AppClient>>,
}

/// A step of moving a connection from one node to another. The answer is dropped if the connection
/// is not here, or cannot move.
#[derive(Debug)]
pub(crate) enum Step {
    /// Describe the connection for the other node, which needs this before it can take the
    /// connection.
    Look { token: TokenTime, outline: oneshot::Sender<Outline> },
    /// Move the connection away from this node.
    Out(oneshot::Sender<(Moved, Unanswered)>),
    /// Make the connection known here. Messages for it arrive here from now on.
    Begin { arriving: Box<Arriving>, user_here: Option<UserHere> },
    /// Continue the connection here. `is_here` gets `true` if the connection is known here.
    In { moved: Box<Moved>, is_here: oneshot::Sender<bool> },
    /// Wait for the client's answer to a call that was made at the node that it left.
    Await { invocation_id: String, answer: oneshot::Sender<Answered> },
    /// The connection does not arrive. The sender gets the upstream's events of the connection, if an
    /// upstream serves it, so that the caller can report its end.
    Lost(oneshot::Sender<Option<ConnectionEvents>>),
}

/// A connection that comes from another node.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(crate) connection: NewConnection,
    pub(crate) outline: Outline,
}

/// A message of an app server for one client.
#[derive(Debug)]
pub(crate) enum FromApp {
    /// Bytes of the hub protocol. If they are partial, more bytes of the same message follow.
    Data { payload: Bytes, is_partial: bool },
    /// The end of the connection. The reason is for clients that were not given to this app server.
    Close { reason: Option<String> },
}

/// A request of a client without a socket of its own. The answer is dropped if the client's
/// connection is gone.
#[derive(Debug)]
pub(crate) enum ClientRequest {
    /// Send these messages.
    Messages { bytes: Bytes, token: TokenTime, taken: oneshot::Sender<PostAnswer> },
    /// Get the waiting messages.
    Poll { token: TokenTime, poll: oneshot::Sender<PollAnswer> },
    /// Continue on another socket with an expired access token. The answer is whether the client
    /// may do that.
    Resume(oneshot::Sender<bool>),
    /// End the connection.
    End,
}

/// Whether the access token of a client's request is still valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenTime {
    Good,
    /// The token has expired, and is valid in every other way.
    Expired,
}

/// The result of a client's post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostAnswer {
    Taken,
    /// The access token has expired, and no renewed login replaces it.
    TokenExpired,
}

/// Asks for the claims of a connection's login, and may renew the login first. `answer` gets the
/// claims. It is dropped if the connection is not open.
#[derive(Debug)]
pub(crate) struct LoginRequest {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) answer: oneshot::Sender<LoginAnswer>,
}

/// The claims of a login, or an error if it could not be renewed.
pub(crate) type LoginAnswer = Result<Vec<Claim>, OtherUser>;

/// A call of a method of one client. `answer` gets the answer of the client. It is dropped if the
/// connection is not open, or ends before the client answers.
#[derive(Debug)]
pub(crate) struct Invoke {
    pub(crate) hub: HubName,
    pub(crate) connection: ConnectionId,
    pub(crate) invocation_id: String,
    /// The invocation, with this id.
    pub(crate) message: Arc<Message>,
    /// The app server that makes the call, if one does. If the client has an app server, the
    /// client's answer goes to that server, which sends it on to the one that made the call.
    pub(crate) asked_by: Option<String>,
    pub(crate) answer: oneshot::Sender<Answered>,
}

/// A question about a hub, with the sender for its answer.
#[derive(Debug)]
pub(crate) enum Question {
    /// How many connections there are.
    Count { target: Target, count: oneshot::Sender<usize> },
    /// Whether a connection of the user is in the group because the user is.
    IsUserInGroup { user: UserId, group: GroupName, is_in_group: oneshot::Sender<bool> },
    /// The first `limit` connections of the group in this shard, after the place `after`.
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
    /// Its place among the connections of its shard. No other connection ever gets this place.
    pub(crate) place: u64,
}

/// The end of a page of a group's connections: the last place, with its shard and node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The number of the node; 0 if there is only one node.
    pub(crate) node: u64,
    pub(crate) shard: usize,
    pub(crate) place: u64,
}

impl Cursor {
    /// The place as text for callers, who send it back to get the next page.
    pub(crate) fn token(self) -> String {
        let Self { node, shard, place } = self;
        URL_SAFE_NO_PAD.encode(format!("{node}-{shard}-{place}"))
    }

    /// Reads the place from a caller. `None` if the text is not a valid place.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (node, rest) = text.split_once('-')?;
        let (shard, place) = rest.split_once('-')?;
        let (node, shard) = (node.parse().ok()?, shard.parse().ok()?);
        Some(Self { node, shard, place: place.parse().ok()? })
    }
}
