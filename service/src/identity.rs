//! The identity of a connection.

use signalr_serverless::{ConnectionId, HubName, UserId};

/// The identity of a connection, from its negotiation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: ConnectionId,
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
}
