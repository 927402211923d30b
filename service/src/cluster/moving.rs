//! The connections that are moving from this node to another one, or from another one to this node.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signalr_serverless::ConnectionId;
use tokio::sync::oneshot;

use super::turn::{StandStill, Turns};
use crate::{
    broker::{Expected, NodeId},
    hub::work::Arriving,
};

/// The connections that are moving. All clones share the same state.
#[derive(Clone, Debug, Default)]
pub(super) struct Moving(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    turns: Turns,
    // All locks are held for short synchronous sections only.
    held: Mutex<HashMap<ConnectionId, (Asked, StandStill)>>,
    arrivals: Mutex<HashMap<ConnectionId, Arrival>>,
    /// The connections that this node takes, and that have not arrived yet.
    taken: Mutex<HashSet<ConnectionId>>,
}

/// The node that asked a question, and the number of the question.
pub(super) type Asked = (NodeId, u64);

#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) arriving: Arriving,
    /// Is notified when the connection has begun here.
    pub(super) begun: oneshot::Sender<()>,
    pub(super) _expected: Expected,
    pub(super) _turn: StandStill,
}

impl Moving {
    /// Decides when callers may begin.
    pub(super) fn turns(&self) -> &Turns {
        &self.0.turns
    }

    pub(super) fn taken(&self) -> MutexGuard<'_, HashSet<ConnectionId>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn held(&self) -> MutexGuard<'_, HashMap<ConnectionId, (Asked, StandStill)>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn arrivals(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arrival>> {
        self.0.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this exists, this node is taking the connection.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) moving: Moving,
    pub(super) connection: ConnectionId,
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.moving.taken().remove(&self.connection);
    }
}
