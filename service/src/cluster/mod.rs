//! One service on one or many nodes: which nodes carry out a command and answer a question.
//!
//! A single node asks only its own shards. In a cluster, a node reaches the connections of other
//! nodes through the broker. Commands and questions about a hub, a group or a user are carried out
//! here and published to the others. Those about one connection go to the node that owns it.

mod asked;
mod awaited;
mod begun;
mod inbound;
mod joined;
mod login;
mod looks;
mod lost;
mod moved;
mod moving;
mod question;
mod relays;
pub(crate) mod replies;
mod take_over;
mod turn;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{ConnectionId, GroupName, HubName};

pub(crate) use self::{
    begun::{Begun, BegunCall},
    inbound::run,
    joined::Joined,
    relays::Relays,
};
use crate::{
    broker::Broker,
    hub::{
        Hubs, Refused,
        answer::Answered,
        command::{Action, Target},
        message::Message,
        work::{Cursor, LoginAnswer, Member},
    },
    login::Renewal,
    store::Membership,
};

/// Decodes the body of a frame in every possible way, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(body: bytes::Bytes) {
    let _ = crate::hub::command::Command::read(body.clone());
    let _ = question::Question::read(body.clone());
    let _ = question::Call::read(body.clone());
    let _ = question::read_members(body.clone());
    let _ = login::LoginQuestion::read(body.clone());
    let _ = login::read_answer(body.clone());
    let _ = moved::read_question(body.clone());
    let _ = moved::read_outline(body.clone());
    let _ = moved::read_moved(body.clone());
    let _ = awaited::Awaited::read(body.clone());
    let _ = question::read_answered(body);
}

/// The nodes of a service. All clones share the same state.
#[derive(Clone)]
pub(crate) enum Cluster {
    /// This node only.
    Alone(Arc<Hubs>),
    /// This node and others.
    Joined(Joined),
}

impl Cluster {
    pub(crate) fn new(hubs: Arc<Hubs>, broker: Option<Broker>) -> Self {
        match broker {
            None => Self::Alone(hubs),
            Some(broker) => Self::Joined(Joined::new(hubs, broker)),
        }
    }

    /// Whether this node can reach the others, and the others can reach it.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Joined(joined) => joined.broker().is_up(),
        }
    }

    /// Takes a command. It is carried out later, in order.
    pub(crate) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.submit(hub, action).await?),
            Self::Joined(joined) => joined.submit(hub, action).await,
        }
    }

    /// Takes a command and waits until it is carried out. Returns how many connections matched.
    pub(crate) async fn carry_out(&self, hub: HubName, action: Action) -> Result<usize, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.carry_out(hub, action).await?),
            Self::Joined(joined) => joined.begin(hub, action).await?.matched().await,
        }
    }

    /// Takes a command in order. The caller can wait later until it is carried out.
    pub(crate) async fn begin(&self, hub: HubName, action: Action) -> Result<Begun, Refused> {
        match self {
            Self::Alone(hubs) => Ok(Begun::here(hubs.begin_action(hub, action).await?)),
            Self::Joined(joined) => joined.begin(hub, action).await,
        }
    }

    /// Asks in order how many connections a target names. The caller can wait for the answer later.
    pub(crate) async fn begin_count(&self, hub: HubName, target: Target) -> Result<Begun, Refused> {
        match self {
            Self::Alone(hubs) => Ok(Begun::here(hubs.begin_count(hub, target).await?)),
            Self::Joined(joined) => joined.begin_count(hub, target).await,
        }
    }

    /// Whether a target names any connection.
    pub(crate) async fn exists(&self, hub: HubName, target: Target) -> Result<bool, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.count(hub, target).await? > 0),
            Self::Joined(joined) => joined.exists(hub, target).await,
        }
    }

    /// Whether a user is in a group. The store knows it, or, for memberships of open connections
    /// only, the nodes of these connections.
    pub(crate) async fn user_is_in_group(
        &self,
        membership: &Membership,
        now: SystemTime,
    ) -> Result<bool, Refused> {
        match self {
            Self::Alone(hubs) => hubs.user_groups.contains(membership, now).await,
            Self::Joined(joined) => joined.user_is_in_group(membership, now).await,
        }
    }

    /// The first connections of a group after `after`, node by node and shard by shard, each with
    /// its place. If a connection comes or goes, the places of the others stay the same.
    pub(crate) async fn members(
        &self,
        hub: &HubName,
        group: &GroupName,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Member)>, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.members(0, hub, group, after, limit).await?),
            Self::Joined(joined) => joined.members(hub, group, after, limit).await,
        }
    }

    /// Returns the claims of a connection's login; `None` if the connection is not open. If there
    /// is a renewal, it is applied first.
    pub(crate) async fn login(
        &self,
        hub: HubName,
        connection: ConnectionId,
        renewal: Option<Renewal>,
    ) -> Result<Option<LoginAnswer>, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.begin_login(hub, connection, renewal).await?.await.ok()),
            Self::Joined(joined) => joined.login(hub, connection, renewal).await,
        }
    }

    /// Calls a method of a client and waits for its answer, for `limit` at most if the client is on
    /// another node. `None` if the connection is not open, or ends before the client answers.
    pub(crate) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        limit: Duration,
    ) -> Result<Option<Answered>, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.invoke(hub, connection, invocation_id, message).await?),
            Self::Joined(joined) => {
                let call =
                    joined.begin_call(hub, connection, invocation_id, message, None, limit).await?;
                call.answered().await
            }
        }
    }

    /// Calls a method of a client in order, for the app server with this name. The caller can wait
    /// for the answer later, for `limit` at most if the client is on another node.
    pub(crate) async fn begin_call(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        asked_by: String,
        limit: Duration,
    ) -> Result<BegunCall, Refused> {
        let asked_by = Some(asked_by);
        match self {
            Self::Alone(hubs) => {
                let answer =
                    hubs.begin_invocation(hub, connection, invocation_id, message, asked_by);
                Ok(BegunCall::Here(answer.await?))
            }
            Self::Joined(joined) => {
                joined.begin_call(hub, connection, invocation_id, message, asked_by, limit).await
            }
        }
    }
}
