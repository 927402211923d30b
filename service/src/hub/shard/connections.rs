//! The connections of a shard, from their first byte to their last.

use std::{
    collections::{HashMap, HashSet},
    io,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use slotmap::SlotMap;
use tokio::{net::TcpStream, sync::Notify};
use tungstenite::protocol::frame::coding::CloseCode;

use super::{Key, Newcomer, Shard, Shared};
use crate::{
    hub::{
        command::{Recipients, Target},
        connection::{Arrival, Connection, Identity},
        members::Members,
        wheel::Wheel,
    },
    session::{Effect, Seconds},
    transport::websocket::frame,
};

const READ_BUFFER: usize = 16 * 1024;
const TOO_SLOW: &str = "the client reads slower than messages come, and its queue is full";

impl Shard {
    pub(super) fn new(shared: Shared, emptied: Rc<Notify>) -> Self {
        Self {
            shared,
            connections: SlotMap::with_key(),
            by_id: HashMap::new(),
            hubs: HashMap::new(),
            wheel: Wheel::new(),
            read_buffer: vec![0; READ_BUFFER].into(),
            emptied,
        }
    }

    pub(super) fn now(&self) -> Seconds {
        Seconds::try_from(self.shared.start.elapsed().as_secs()).unwrap_or(Seconds::MAX)
    }

    pub(super) fn insert(&mut self, newcomer: Newcomer) -> io::Result<Key> {
        let Newcomer { identity, socket, mut early } = newcomer;
        let id = identity.id.clone();
        let now = self.now();
        let socket =
            TcpStream::from_std(socket).inspect_err(|_| self.shared.tokens.release(&id))?;
        let key = self.connections.insert(Connection::new(identity, socket, now));
        self.shared.counters.connection_opened();
        self.schedule(key);
        if !early.is_empty() {
            let rules = Arc::clone(&self.shared.rules);
            let effects = self.connections[key].receive(&mut early, now, &rules);
            self.apply(key, effects, now);
        }
        Ok(key)
    }

    /// Drives one connection; is ready when it is gone.
    pub(super) fn poll(&mut self, key: Key, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        while let Some(connection) = self.connections.get_mut(key) {
            match ready!(connection.poll(cx, &mut self.read_buffer, now, &rules)) {
                Arrival::Effects(effects) => self.apply(key, effects, now),
                Arrival::Gone => self.remove(key),
            }
        }
        Poll::Ready(())
    }

    pub(super) fn tick(&mut self, key: Key, at: Seconds, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // The connection was scheduled anew since; that entry is the one that counts.
        if connection.due != at {
            return;
        }
        let effects = connection.session.tick(now, &self.shared.rules);
        self.apply(key, effects, now);
        self.schedule(key);
    }

    fn schedule(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            let deadline = connection.session.deadline(&self.shared.rules);
            connection.due = self.wheel.schedule(key, deadline);
        }
    }

    fn apply(&mut self, key: Key, effects: Vec<Effect>, now: Seconds) {
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.send(key, &frame::text(&bytes), now),
                Effect::Open => self.join_hub(key),
                Effect::Completed { invocation_id, outcome } => {
                    self.complete(key, &invocation_id, outcome);
                }
                Effect::End => self.end(key),
                Effect::Abort => self.remove(key),
            }
        }
    }

    /// Writes to a connection. A client whose queue is full is closed.
    pub(super) fn send(&mut self, key: Key, frame: &Bytes, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.session.sent(now);
        if connection.send(frame, self.shared.max_queued).is_err() {
            connection.drop_queued();
            self.shared.counters.slow_client_closed();
            tracing::warn!(connection = %connection.identity.id, "a slow client is closed");
            self.close(key, Some(TOO_SLOW), now);
        }
    }

    pub(super) fn close(&mut self, key: Key, reason: Option<&str>, now: Seconds) {
        if let Some(connection) = self.connections.get_mut(key) {
            let effects = connection.session.close(reason, true, now);
            self.apply(key, effects, now);
        }
    }

    fn end(&mut self, key: Key) {
        self.leave_hub(key);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.send_close(CloseCode::Normal, "");
            self.schedule(key);
        }
    }

    fn remove(&mut self, key: Key) {
        self.leave_hub(key);
        if let Some(connection) = self.connections.remove(key) {
            self.shared.tokens.release(&connection.identity.id);
            self.shared.counters.connection_closed();
            tracing::debug!(connection = %connection.identity.id, "a connection is gone");
        }
        if self.connections.is_empty() {
            self.emptied.notify_one();
        }
    }

    fn join_hub(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.is_member = true;
        let identity = Arc::clone(&connection.identity);
        self.by_id.insert(identity.id.clone(), key);
        let members = self.hubs.entry(identity.hub.clone()).or_insert_with(Members::new);
        members.add(key, identity.user.as_ref());
        if let Some(user) = &identity.user {
            for group in self.shared.store.groups(&identity.hub, user, SystemTime::now()) {
                if members.join_by_user(key, &group) {
                    connection.groups.push(group);
                }
            }
        }
        tracing::debug!(connection = %identity.id, hub = %identity.hub, "a connection is open");
    }

    fn leave_hub(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !std::mem::take(&mut connection.is_member) {
            return;
        }
        let Identity { id, hub, user } = &*connection.identity;
        self.by_id.remove(id);
        connection.invocations = None;
        if let Some(members) = self.hubs.get_mut(hub) {
            members.remove(key, user.as_ref(), &std::mem::take(&mut connection.groups));
            if members.is_empty() {
                self.hubs.remove(hub);
            }
        }
    }

    /// The connection with this id, where it is open in this hub.
    pub(super) fn find(&self, hub: &HubName, id: &ConnectionId) -> Option<Key> {
        let key = *self.by_id.get(id)?;
        let connection = self.connections.get(key)?;
        (connection.identity.hub == *hub).then_some(key)
    }

    pub(super) fn recipients(&self, hub: &HubName, recipients: &Recipients) -> Vec<Key> {
        let mut keys = match &recipients.target {
            Target::Connection(id) => self.find(hub, id).into_iter().collect(),
            target => self.hubs.get(hub).map_or_else(Vec::new, |members| members.matching(target)),
        };
        if !recipients.excluded.is_empty() {
            let excluded: HashSet<Key> =
                recipients.excluded.iter().filter_map(|id| self.find(hub, id)).collect();
            keys.retain(|key| !excluded.contains(key));
        }
        keys
    }
}
