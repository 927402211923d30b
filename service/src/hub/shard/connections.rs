//! The connections of a shard, from their first byte to their last.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use signalr_serverless::ConnectionId;

use super::{
    batch::{Batch, JoinedFrame},
    state::Shard,
    table::Key,
};
use crate::{
    carrier::{Carrier, WebSocket},
    hub::{
        answer::Answer,
        connection::{Arrival, Connection, Entering},
        counts::TargetKind,
        work::{ClientRequest, NewConnection},
    },
    session::{Effect, Ended, Seconds},
};

const TOO_SLOW: &str = "the client reads slower than messages come, and its queue is full";
const TOO_MUCH: &str = "too much is held for all clients together, and much of it for this one";

impl Shard {
    /// Takes a new connection in. Returns its key and its carrier's turn.
    pub(super) fn insert(&mut self, new: NewConnection) -> (Key, u32) {
        let now = self.now();
        let connection = Connection::new(new, &self.shared.queue_budget, now);
        let turn = connection.turn;
        let key = self.table.insert(connection);
        self.shared.counters.connection_opened();
        self.schedule(key, now);
        (key, turn)
    }

    /// Gives a connection another socket. Returns its key and the new turn; a connection that has
    /// ended since loses the socket.
    pub(super) fn resume(&mut self, id: &ConnectionId, socket: WebSocket) -> Option<(Key, u32)> {
        let now = self.now();
        let key = self.table.find(id)?;
        let connection = self.table.get_mut(key)?;
        // The older socket ends with this, if it had not broken yet.
        connection.carrier = Carrier::WebSocket(socket);
        connection.turn += 1;
        let turn = connection.turn;
        let effects = connection.session.resume(now);
        self.counts.reconnects_won += 1;
        self.apply(key, effects, now);
        self.schedule(key, now);
        Some((key, turn))
    }

    /// Drives the carrier of one connection; is ready when the connection is gone, or has another.
    pub(super) fn poll(&mut self, key: Key, turn: u32, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        while let Some(connection) = self.table.get_mut(key).filter(|one| one.turn == turn) {
            let received = &mut self.counts.received.bytes;
            match ready!(connection.poll(cx, &mut self.read_buffer, received, now, &rules)) {
                Arrival::Effects(effects) => {
                    let holds_more = connection.count_partial();
                    self.apply(key, effects, now);
                    if holds_more {
                        self.relieve();
                    }
                }
                Arrival::Gone => {
                    self.carrier_broke(key);
                    break;
                }
            }
        }
        Poll::Ready(())
    }

    /// A client that can go on elsewhere is waited for; any other has ended.
    fn carrier_broke(&mut self, key: Key) {
        let now = self.now();
        let Some(connection) = self.table.get_mut(key) else { return };
        if connection.session.transport_broke(now) {
            connection.carrier = Carrier::Away;
            connection.count_partial();
            connection.turn += 1;
            self.schedule(key, now);
        } else {
            self.remove(key);
        }
    }

    /// Takes what a client without a socket of its own wants. If its connection is gone, the answer
    /// is dropped, which says so.
    pub(super) fn take_request(&mut self, id: &ConnectionId, request: ClientRequest) {
        let now = self.now();
        let Some(key) = self.table.find(id) else { return };
        let Some(connection) = self.table.get_mut(key) else { return };
        match request {
            ClientRequest::Messages { bytes, taken } => {
                self.counts.received.bytes += bytes.len() as u64;
                let effects = connection.session.receive(&bytes, now, &self.shared.rules);
                let holds_more = connection.count_partial();
                self.apply(key, effects, now);
                if holds_more {
                    self.relieve();
                }
                // The client may have broken off its request.
                let _ = taken.send(());
            }
            ClientRequest::Poll(poll) => {
                if let Carrier::LongPolling(polls) = &mut connection.carrier
                    && polls.poll(poll, now)
                {
                    self.remove(key);
                }
            }
            ClientRequest::End => self.remove(key),
        }
    }

    /// Looks at the connections whose time has come.
    pub(super) fn tick(&mut self, keys: &[Key]) {
        // Messages may have come since the caller looked at the clock.
        let now = self.now();
        for key in keys {
            let Some(connection) = self.table.get_mut(*key) else { continue };
            let effects = connection.tick(now, &self.shared.rules);
            self.apply(*key, effects, now);
            self.schedule(*key, now);
        }
    }

    /// Notes when to look at a connection next.
    fn schedule(&mut self, key: Key, now: Seconds) {
        self.table.schedule(key, now, &self.shared.rules);
    }

    pub(super) fn apply(&mut self, key: Key, effects: Vec<Effect>, now: Seconds) {
        let mut effects = effects.into_iter();
        while let Some(effect) = effects.next() {
            if !matches!(effect, Effect::Abort)
                && let Some(connection) = self.table.get_mut(key)
                && let Some(entering) = &mut connection.entering
            {
                entering.held.push(effect);
                entering.held.extend(effects);
                return;
            }
            match effect {
                Effect::Send(bytes) => self.send_own(key, &bytes, 0, now),
                Effect::SendLast(bytes) => self.send_last(key, &bytes, now),
                Effect::SendNumbered(bytes) => self.send_own(key, &bytes, 1, now),
                Effect::Repeat(frames) => self.repeat(key, &frames, now),
                Effect::Open => self.enter(key),
                Effect::Call(call) => {
                    self.counts.received.calls += 1;
                    self.call(key, call, now);
                }
                Effect::Completed { invocation_id, outcome, protocol, message } => {
                    self.counts.received.results += 1;
                    self.complete(key, &invocation_id, Answer { outcome, protocol, message });
                }
                Effect::End => self.end(key, now),
                Effect::Abort => self.remove(key),
            }
        }
        // What came may have brought the next look forward: the first ping, or the first message.
        if let Some(connection) = self.table.get(key)
            && connection.deadline(now, &self.shared.rules) < connection.due
        {
            self.schedule(key, now);
        }
    }

    /// Sends what is for this connection alone.
    fn send_own(&mut self, key: Key, bytes: &[u8], messages: u32, now: Seconds) {
        if let Some(connection) = self.table.get(key) {
            self.send(key, &connection.encoding().frame(bytes), messages, now);
        }
    }

    /// Sends what must be said whatever waits before it.
    fn send_last(&mut self, key: Key, bytes: &[u8], now: Seconds) {
        if let Some(connection) = self.table.get_mut(key) {
            let frame = connection.encoding().frame(bytes);
            // Without a bound no queue is full.
            let _ = connection.carrier.send(&frame, usize::MAX, now);
        }
    }

    /// Writes to a connection. A client whose queue is full is closed.
    pub(super) fn send(&mut self, key: Key, frame: &Bytes, messages: u32, now: Seconds) {
        let Some(connection) = self.table.get_mut(key) else { return };
        if connection.send(frame, messages, self.shared.max_queued, now).is_err() {
            self.close_slow(key, Ended::Slow, now);
        }
    }

    /// Writes messages to connections. This is what every delivery costs, so counts are added up
    /// before they are noted.
    pub(super) fn send_batch(&mut self, keys: &[Key], batch: &Batch<'_>, kind: TargetKind) {
        let (now, max_queued) = (self.now(), self.shared.max_queued);
        let (mut deliveries, mut bytes) = (0, 0);
        for key in keys {
            let Some(connection) = self.table.get_mut(*key) else { continue };
            let mut frames = batch.frames(connection.encoding()).iter();
            let send = |frame: &JoinedFrame| {
                deliveries += u64::from(frame.messages);
                bytes += frame.bytes.len() as u64;
                connection.send(&frame.bytes, frame.messages, max_queued, now)
            };
            if frames.try_for_each(send).is_err() {
                self.close_slow(*key, Ended::Slow, now);
            }
        }
        let sent = self.counts.sent.get_mut(kind);
        sent.deliveries += deliveries;
        sent.bytes += bytes;
    }

    /// While more is held for all than may be, takes it from those who have most: first what is kept
    /// for a reconnect of clients that are there, then by closing them. Those who have little are left
    /// alone: what cannot be dropped before it is written is not their fault.
    pub(super) fn relieve(&mut self) {
        if !self.shared.queue_budget.is_over() {
            return;
        }
        let now = self.now();
        let fair_share = self.shared.queue_budget.fair_share();
        let mut held = self.table.held();
        held.sort_unstable_by_key(|(bytes, _)| *bytes);
        while self.shared.queue_budget.is_over()
            && let Some((bytes, key)) = held.pop()
            && bytes > fair_share
        {
            let Some(connection) = self.table.get_mut(key) else { continue };
            connection.session.forget_kept();
            if connection.held() > 0 && self.shared.queue_budget.is_over() {
                self.close_slow(key, Ended::Memory, now);
            }
        }
    }

    fn repeat(&mut self, key: Key, frames: &[Bytes], now: Seconds) {
        for frame in frames {
            let Some(connection) = self.table.get_mut(key) else { return };
            // What is repeated fitted into the bound when it was first sent.
            if connection.carrier.send(frame, usize::MAX, now).is_err() {
                return self.close_slow(key, Ended::Slow, now);
            }
        }
    }

    /// Closes a client that is slow, or for which too much is held.
    fn close_slow(&mut self, key: Key, why: Ended, now: Seconds) {
        let reason = if why == Ended::Memory { TOO_MUCH } else { TOO_SLOW };
        let Some(connection) = self.table.get_mut(key) else { return };
        connection.carrier.drop_queued();
        self.shared.counters.slow_client_closed();
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

    fn end(&mut self, key: Key, now: Seconds) {
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
        if let Some(connection) = self.table.remove(key) {
            self.shared.counters.connection_closed();
            let ended = connection.session.ended();
            self.counts.ended.add(ended);
            self.counts.reconnects_lost += u64::from(ended == Ended::NotBack);
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

    /// Ends the wait for the user's groups. Returns what waited.
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

    fn leave_hub(&mut self, key: Key) {
        self.leave_entering(key);
        let Some(connection) = self.table.get_mut(key) else { return };
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
