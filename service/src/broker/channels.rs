//! The names of channels and keys.
//!
//! | name | subscribers |
//! |---|---|
//! | `<prefix>:all` | every node |
//! | `<prefix>:n:<node>` | that node |
//! | `<prefix>:h:<hub>` | nodes with a connection in the hub |
//! | `<prefix>:u:<hub>:<user>` | nodes with a connection of the user |
//! | `<prefix>:g:<hub>:<group>` | nodes with a connection in the group |
//! | `<prefix>:c:<hub>:<connection>` | the node that owns the connection |
//!
//! A hub's name has no colon. Names are never parsed, because frames contain all that a node needs.

use std::sync::Arc;

use signalr_serverless::{ConnectionId, GroupName, HubName, UserId};

use super::node::NodeId;

/// The receivers of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Channel<'a> {
    All,
    Node(NodeId),
    Hub(&'a HubName),
    User(&'a HubName, &'a UserId),
    Group(&'a HubName, &'a GroupName),
    Connection(&'a HubName, &'a ConnectionId),
}

/// The names of one cluster. All of them begin with its prefix.
#[derive(Clone, Debug)]
pub(crate) struct Channels {
    prefix: Arc<str>,
}

/// The name of a channel.
pub(crate) type Name = Arc<[u8]>;

impl Channels {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    pub(super) fn name(&self, channel: Channel<'_>) -> Name {
        let prefix = &*self.prefix;
        let name = match channel {
            Channel::All => [prefix, ":all"].concat(),
            Channel::Node(node) => [prefix, ":n:", &node.to_string()].concat(),
            Channel::Hub(hub) => [prefix, ":h:", hub.as_str()].concat(),
            Channel::User(hub, user) => [prefix, ":u:", hub.as_str(), ":", user.as_str()].concat(),
            Channel::Group(hub, group) => {
                [prefix, ":g:", hub.as_str(), ":", group.as_str()].concat()
            }
            Channel::Connection(hub, connection) => {
                [prefix, ":c:", hub.as_str(), ":", connection.as_str()].concat()
            }
        };
        name.into_bytes().into()
    }

    /// The key of the list of nodes.
    pub(super) fn nodes_key(&self) -> Vec<u8> {
        format!("{}:nodes", self.prefix).into_bytes()
    }

    /// The key of the data that a node reports about itself.
    pub(super) fn node_key(&self, node: NodeId) -> Vec<u8> {
        [self.node_keys(), node.to_string().into_bytes()].concat()
    }

    /// The beginning of these keys.
    pub(super) fn node_keys(&self) -> Vec<u8> {
        format!("{}:node:", self.prefix).into_bytes()
    }

    /// The keys of a user's groups: the memberships with a time limit, and the others.
    pub(crate) fn user_group_keys(&self, hub: &HubName, user: &UserId) -> [Vec<u8>; 2] {
        ["t", "p"].map(|kind| format!("{}:ug:{{{hub}:{user}}}:{kind}", self.prefix).into_bytes())
    }

    /// The key that exists after a connection token was used.
    pub(crate) fn claim_key(&self, connection: &ConnectionId) -> Vec<u8> {
        format!("{}:claim:{connection}", self.prefix).into_bytes()
    }
}
