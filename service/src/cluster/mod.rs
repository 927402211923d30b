//! One service on one node or on many: where a command is carried out and a question answered.
//!
//! Alone, a node asks its own shards and nobody else. In a cluster it reaches the connections of
//! other nodes through the broker: what concerns a hub, a group or a user is done here and published,
//! what concerns one connection goes to the node that owns it.

mod inbound;
mod joined;
mod question;
pub(crate) mod replies;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use signalr_serverless::{ConnectionId, GroupName, HubName};

pub(crate) use self::{inbound::run, joined::Joined};
use crate::{
    broker::Broker,
    hub::{
        Hubs, Refused,
        answer::Answered,
        command::{Action, Target},
        message::Message,
        work::{Cursor, Member},
    },
    store::Membership,
};

/// Decodes a frame's body in every way there is, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn decode(body: bytes::Bytes) {
    let _ = crate::hub::command::Command::read(body.clone());
    let _ = question::Question::read(body.clone());
    let _ = question::Call::read(body.clone());
    let _ = question::read_members(body.clone());
    let _ = question::read_answered(body);
}

/// The nodes of a service. Clones are one and the same.
#[derive(Clone)]
pub(crate) enum Cluster {
    /// This one only.
    Alone(Arc<Hubs>),
    /// This one and others.
    Joined(Joined),
}

impl Cluster {
    pub(crate) fn new(hubs: Arc<Hubs>, broker: Option<Broker>) -> Self {
        match broker {
            None => Self::Alone(hubs),
            Some(broker) => Self::Joined(Joined::new(hubs, broker)),
        }
    }

    /// Whether this node reaches the others, and they it.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Joined(joined) => joined.broker().is_up(),
        }
    }

    /// Takes a command; it is carried out in its turn.
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
            Self::Joined(joined) => joined.carry_out(hub, action).await,
        }
    }

    /// Whether a target names any connection.
    pub(crate) async fn exists(&self, hub: HubName, target: Target) -> Result<bool, Refused> {
        match self {
            Self::Alone(hubs) => Ok(hubs.count(hub, target).await? > 0),
            Self::Joined(joined) => joined.exists(hub, target).await,
        }
    }

    /// Whether a user is in a group: by the store, or for connections that are open only.
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

    /// The first connections of a group behind `after`, node by node and shard by shard, each with its
    /// place. A connection that comes or goes does not move the others.
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

    /// Calls a method of a client and waits for its answer, for `limit` at most if the client is on
    /// another node; `None` if the connection is not open, or ends before.
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
                joined.invoke(hub, connection, invocation_id, message, limit).await
            }
        }
    }
}
