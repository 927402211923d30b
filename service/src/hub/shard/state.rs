//! What a shard holds, and how its connections are found.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::{Rc, Weak},
    sync::Arc,
};

use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::sync::Notify;

use super::{
    groups::Groups,
    table::{Key, Table},
};
use crate::{
    broker::Broker,
    budget::QueueBudget,
    clock::Clock,
    counters::Counters,
    filter::{Filter, Subject},
    hub::{
        command::{GroupChange, Recipients, Target},
        counts::ShardCounts,
    },
    session::{Rules, Seconds},
    store::Store,
    upstream::Upstream,
};

const READ_BUFFER: usize = 16 * 1024;

/// What all shards of a service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) rules: Arc<Rules>,
    /// The most bytes that may wait for one client.
    pub(crate) max_queued: usize,
    /// The bytes that wait for all clients.
    pub(crate) queue_budget: QueueBudget,
    pub(crate) store: Arc<Store>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) upstream: Option<Upstream>,
    /// Leads to the other nodes, if there are some.
    pub(crate) broker: Option<Broker>,
    pub(crate) clock: Clock,
}

/// The one owner of its connections and of their part of every hub.
pub(super) struct Shard {
    pub(super) shared: Shared,
    pub(super) table: Table,
    pub(super) groups: Groups<Key>,
    /// The connections whose users' groups are being asked for.
    pub(super) entering: HashMap<(HubName, UserId), HashSet<Key>>,
    /// What happened to the groups of users since the store was asked again.
    pub(super) asked_again: HashMap<(HubName, UserId), Vec<GroupChange>>,
    pub(super) counts: ShardCounts,
    /// Where sockets are read into, one after the other.
    pub(super) read_buffer: Box<[u8]>,
    /// Is told when the last connection is gone.
    pub(super) emptied: Rc<Notify>,
    /// The shard itself, for what it leaves to tasks.
    pub(super) itself: Weak<RefCell<Shard>>,
}

pub(super) type SharedShard = Rc<RefCell<Shard>>;
pub(super) type WeakShard = Weak<RefCell<Shard>>;

impl Shard {
    pub(super) fn new(shared: Shared) -> SharedShard {
        Rc::new_cyclic(|itself| {
            let groups = Groups::new(shared.broker.clone());
            RefCell::new(Self {
                shared,
                table: Table::new(),
                groups,
                entering: HashMap::new(),
                asked_again: HashMap::new(),
                counts: ShardCounts::default(),
                read_buffer: vec![0; READ_BUFFER].into(),
                emptied: Rc::default(),
                itself: Weak::clone(itself),
            })
        })
    }

    pub(super) fn now(&self) -> Seconds {
        self.shared.clock.now()
    }

    /// The connection with this id, if it is open in this hub.
    pub(super) fn find(&self, hub: &HubName, id: &ConnectionId) -> Option<Key> {
        let key = self.table.find(id)?;
        let connection = self.table.get(key)?;
        (connection.is_member && connection.identity.hub == *hub).then_some(key)
    }

    /// The connections that are meant.
    pub(super) fn recipients(&self, hub: &HubName, recipients: &Recipients) -> Vec<Key> {
        let mut keys = match &recipients.target {
            Target::Connection(id) => self.find(hub, id).into_iter().collect(),
            target => self.groups.matching(hub, target),
        };
        if !recipients.excluded.is_empty() {
            let excluded: HashSet<Key> =
                recipients.excluded.iter().filter_map(|id| self.find(hub, id)).collect();
            keys.retain(|key| !excluded.contains(key));
        }
        keys
    }

    /// Whether a filter is true of a connection.
    pub(super) fn matches(&self, key: Key, filter: &Filter) -> bool {
        self.table.get(key).is_some_and(|connection| {
            filter.matches(&Subject {
                connection: &connection.identity.id,
                user: connection.identity.user.as_ref(),
                groups: &connection.groups,
            })
        })
    }
}
