//! How connections end.

use super::{app::leave_app, state::Shard, table::Key};
use crate::{
    hub::connection::Entering,
    session::{Ended, Seconds},
    trace::{Event, Kind},
};

const TOO_SLOW: &str = "the client reads slower than messages come, and its queue is full";
const TOO_MUCH: &str = "too much is held for all clients together, and much of it for this one";

impl Shard {
    /// Closes a client that is slow, or for which too much is held.
    pub(super) fn close_slow(&mut self, key: Key, why: Ended, now: Seconds) {
        let reason = if why == Ended::Memory { TOO_MUCH } else { TOO_SLOW };
        let Some(connection) = self.table.get_mut(key) else { return };
        connection.carrier.drop_queued();
        self.shared.records.counters.slow_client_closed();
        tracing::warn!(connection = %connection.identity.id, "a slow client is closed");
        self.close(key, why, Some(reason), now);
    }

    pub(super) fn close(&mut self, key: Key, why: Ended, reason: Option<&str>, now: Seconds) {
        if let Some(connection) = self.table.get_mut(key) {
            connection.session.ends_by(why);
            let effects = connection.session.close(reason, true, now);
            connection.count_partial();
            self.apply(key, effects, now);
        }
    }

    pub(super) fn end(&mut self, key: Key, now: Seconds) {
        self.leave_hub(key);
        let Some(connection) = self.table.get_mut(key) else { return };
        if connection.carrier.end(now) {
            self.schedule(key, now);
        } else {
            self.remove(key);
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.leave_hub(key);
        self.arriving.remove(&key);
        self.moved_answers.remove(&key);
        if let Some(connection) = self.table.remove(key) {
            self.shared.records.counters.connection_closed();
            let ended = connection.session.ended();
            self.counts.ended.add(ended);
            self.counts.reconnects_lost += u64::from(ended == Ended::NotBack);
            self.shared.records.trace.note(|| Event {
                what: Some(ended.name()),
                ..Event::of(Kind::Disconnect, &connection.identity)
            });
            tracing::debug!(
                connection = %connection.identity.id,
                reason = ended.name(),
                "a connection is gone"
            );
        }
        if self.table.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Ends the wait for the user's groups. Returns the work that waited.
    pub(super) fn leave_entering(&mut self, key: Key) -> Option<Entering> {
        let connection = self.table.get_mut(key)?;
        let entering = connection.entering.take()?;
        let user = connection.identity.user.clone()?;
        let of_user = (connection.identity.hub.clone(), user);
        if let Some(keys) = self.entering.get_mut(&of_user) {
            keys.remove(&key);
            if keys.is_empty() {
                self.entering.remove(&of_user);
            }
        }
        Some(*entering)
    }

    pub(super) fn leave_hub(&mut self, key: Key) {
        self.leave_entering(key);
        let Some(connection) = self.table.get_mut(key) else { return };
        leave_app(connection);
        if !std::mem::take(&mut connection.is_member) {
            return;
        }
        self.counts.left(&connection.identity.hub, connection.encoding());
        connection.invocations = None;
        if let Some(upstream) = connection.upstream.take() {
            upstream.close(connection.session.end_reason());
        }
        self.groups.leave(key, &connection.identity, &mut connection.groups);
    }
}
