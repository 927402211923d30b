//! The connections of a shard, from their first byte to their last.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use slotmap::SlotMap;
use tokio::sync::Notify;

use super::{Key, Shard, Shared};
use crate::{
    hub::{
        command::{Recipients, Target},
        connection::Identity,
        members::Members,
        wheel::Wheel,
    },
    session::{Effect, Seconds},
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

    pub(super) fn tick(&mut self, key: Key, at: Seconds, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // The connection was scheduled anew since; that entry is the one that counts.
        if connection.due != at {
            return;
        }
        let effects = connection.tick(now, &self.shared.rules);
        self.apply(key, effects, now);
        self.schedule(key, now);
    }

    /// Notes when to look at a connection next.
    pub(super) fn schedule(&mut self, key: Key, now: Seconds) {
        if let Some(connection) = self.connections.get_mut(key) {
            let deadline = connection.deadline(now, &self.shared.rules);
            connection.due = self.wheel.schedule(key, deadline);
        }
    }

    pub(super) fn apply(&mut self, key: Key, effects: Vec<Effect>, now: Seconds) {
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.send_own(key, &bytes, 0, now),
                Effect::SendNumbered(bytes) => self.send_own(key, &bytes, 1, now),
                Effect::Repeat(frames) => self.repeat(key, &frames, now),
                Effect::Open => self.join_hub(key),
                Effect::Call(call) => self.call(key, call, now),
                Effect::Completed { invocation_id, outcome } => {
                    self.complete(key, &invocation_id, outcome);
                }
                Effect::End => self.end(key, now),
                Effect::Abort => self.remove(key),
            }
        }
    }

    /// Sends what is for this connection alone.
    fn send_own(&mut self, key: Key, bytes: &[u8], messages: u32, now: Seconds) {
        if let Some(connection) = self.connections.get(key) {
            self.send(key, &connection.encoding().frame(bytes), messages, now);
        }
    }

    /// Writes to a connection. A client whose queue is full is closed.
    pub(super) fn send(&mut self, key: Key, frame: &Bytes, messages: u32, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.send(frame, messages, self.shared.max_queued, now).is_err() {
            self.close_slow(key, now);
        }
    }

    fn repeat(&mut self, key: Key, frames: &[Bytes], now: Seconds) {
        for frame in frames {
            let Some(connection) = self.connections.get_mut(key) else { return };
            // What is repeated fitted into the bound when it was first sent.
            if connection.repeat(frame, usize::MAX, now).is_err() {
                return self.close_slow(key, now);
            }
        }
    }

    fn close_slow(&mut self, key: Key, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.drop_queued();
        self.shared.counters.slow_client_closed();
        tracing::warn!(connection = %connection.identity.id, "a slow client is closed");
        self.close(key, Some(TOO_SLOW), now);
    }

    pub(super) fn close(&mut self, key: Key, reason: Option<&str>, now: Seconds) {
        if let Some(connection) = self.connections.get_mut(key) {
            let effects = connection.session.close(reason, true, now);
            self.apply(key, effects, now);
        }
    }

    fn end(&mut self, key: Key, now: Seconds) {
        self.leave_hub(key);
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.end_carrier(now) {
            self.schedule(key, now);
        } else {
            self.remove(key);
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.leave_hub(key);
        if let Some(connection) = self.connections.remove(key) {
            self.by_id.remove(&connection.identity.id);
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
        let members = self.hubs.entry(identity.hub.clone()).or_insert_with(Members::new);
        members.add(key, identity.user.as_ref());
        if let Some(user) = &identity.user {
            for group in self.shared.store.groups(&identity.hub, user, SystemTime::now()) {
                if members.join_by_user(key, &group) {
                    connection.groups.push(group);
                }
            }
        }
        self.open_upstream(key);
        tracing::debug!(connection = %identity.id, hub = %identity.hub, "a connection is open");
    }

    fn leave_hub(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !std::mem::take(&mut connection.is_member) {
            return;
        }
        let Identity { hub, user, .. } = &*connection.identity;
        connection.invocations = None;
        if let Some(upstream) = connection.upstream.take() {
            upstream.close(connection.session.end_reason());
        }
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
        (connection.is_member && connection.identity.hub == *hub).then_some(key)
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
