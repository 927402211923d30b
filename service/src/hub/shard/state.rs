//! The state of a shard, and how its connections are found.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::{Rc, Weak},
    sync::Arc,
};

use signalr_serverless::{ConnectionId, HubName, UserId};
use tokio::sync::{Mutex, Notify, oneshot};

use super::{
    groups::Groups,
    members::Way,
    table::{Key, Table},
};
use crate::{
    app_server::AppServers,
    broker::Broker,
    budget::QueueBudget,
    clock::Clock,
    filter::{Filter, Subject},
    hub::{
        answer::Answered,
        command::{GroupChange, Recipients, Target},
        counts::ShardCounts,
    },
    records::Records,
    session::{Rules, Seconds},
    store::Store,
    upstream::Upstream,
};

const READ_BUFFER: usize = 16 * 1024;

/// The state that all shards of a service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) rules: Arc<Rules>,
    /// How many bytes may wait for one client at most.
    pub(crate) max_queued: usize,
    /// Counts the bytes that wait for all clients.
    pub(crate) queue_budget: QueueBudget,
    pub(crate) store: Arc<Store>,
    pub(crate) records: Records,
    /// Whether operators have a dashboard. If they do, the claims of clients' tokens are kept for
    /// it, and the messages of each hub are counted.
    pub(crate) has_dashboard: bool,
    pub(crate) upstream: Option<Upstream>,
    /// Reaches the other nodes, if there are any.
    pub(crate) broker: Option<Broker>,
    pub(crate) app_servers: Arc<AppServers>,
    pub(crate) clock: Clock,
}

/// The only owner of its connections and of their part of every hub.
pub(super) struct Shard {
    pub(super) shared: Shared,
    pub(super) table: Table,
    pub(super) groups: Groups<Key>,
    /// The connections that wait for the store's answer about the groups of their users.
    pub(super) entering: HashMap<(HubName, UserId), HashSet<Key>>,
    /// The changes of users' groups since the store was asked again.
    pub(super) asked_again: HashMap<(HubName, UserId), Vec<GroupChange>>,
    /// The changes of groups of connections that move to this node, until they have arrived. A move
    /// has a time limit.
    pub(super) arriving: HashMap<Key, Vec<(GroupChange, Way)>>,
    /// The answers of clients to calls of the nodes that they left, until these nodes ask for them.
    /// This has a time limit.
    pub(super) moved_answers: HashMap<Key, HashMap<String, oneshot::Receiver<Answered>>>,
    /// Held by the task that asks the store again: one after the other, so that each notes its own
    /// changes.
    pub(super) asking_again: Rc<Mutex<()>>,
    pub(super) counts: ShardCounts,
    /// The second in which too much was held and no client held much of it.
    pub(super) relieved_in_vain: Option<Seconds>,
    /// The buffer for reading sockets, one after the other.
    pub(super) read_buffer: Box<[u8]>,
    /// Is notified when the last connection is gone.
    pub(super) emptied: Rc<Notify>,
    /// The shard itself, for the tasks that it starts.
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
                arriving: HashMap::new(),
                moved_answers: HashMap::new(),
                asking_again: Rc::default(),
                counts: ShardCounts::default(),
                relieved_in_vain: None,
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

    /// The connections that receive something.
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

    /// Whether a connection matches a filter.
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
