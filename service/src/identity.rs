//! Who a connection is.

use signalr_serverless::{ConnectionId, HubName, UserId};

/// Who a connection is, from its negotiation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: ConnectionId,
    pub(crate) hub: HubName,
    pub(crate) user: Option<UserId>,
}
