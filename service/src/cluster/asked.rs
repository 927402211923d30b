//! The questions that a node asks another one for an operator.

use serde::{Deserialize, Serialize};
use signalr_serverless::{ConnectionId, HubName};

use crate::hub::{
    look::{ConnectionsOf, NamesOf},
    work::Cursor,
};

/// A look at the connections of another node. The answer is JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Asked {
    Sizes,
    Names(NamesOf),
    Rows(ConnectionsOf, Option<Cursor>),
    Detail(HubName, ConnectionId),
}
