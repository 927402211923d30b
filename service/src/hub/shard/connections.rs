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
    carrier::{Carrier, Encoding, PollAnswer, WebSocket},
    hub::{
        answer::Answer,
        connection::{Arrival, Connection},
        counts::TargetKind,
        user_shards::UserHere,
        work::{ClientRequest, NewConnection, PostAnswer, TokenTime},
    },
    session::{Effect, Ended, Seconds},
};

impl Shard {
    /// Takes a new connection. Returns its key and its carrier's turn.
    pub(super) fn insert(&mut self, new: NewConnection, user_here: Option<UserHere>) -> (Key, u32) {
        let now = self.now();
        let connection = Connection::new(new, user_here, &self.shared.queue_budget, now);
        let turn = connection.turn;
        let key = self.table.insert(connection);
        self.shared.records.counters.connection_opened();
        self.schedule(key, now);
        (key, turn)
    }

    /// Gives a connection another socket. Returns its key and the new turn. If the connection has
    /// ended in the meantime, the socket is dropped.
    pub(super) fn resume(&mut self, id: &ConnectionId, socket: WebSocket) -> Option<(Key, u32)> {
        let now = self.now();
        let key = self.table.find(id)?;
        let connection = self.table.get_mut(key)?;
        if connection.session.arrives() {
            return None;
        }
        // If the older socket has not broken yet, it ends here.
        connection.carrier = Carrier::WebSocket(socket);
        connection.turn += 1;
        let turn = connection.turn;
        let effects = connection.session.resume(now);
        self.apply(key, effects, now);
        // A session that has ended does not go on.
        self.table.get(key)?;
        self.counts.reconnects_won += 1;
        self.schedule(key, now);
        Some((key, turn))
    }

    /// Drives the carrier of one connection. Is ready when the connection is gone or has another
    /// carrier.
    pub(super) fn poll(&mut self, key: Key, turn: u32, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        while let Some(connection) = self.table.get_mut(key).filter(|one| one.turn == turn) {
            let received = &mut self.counts.received.bytes;
            let (buffer, max_queued) = (&mut self.read_buffer, self.shared.max_queued);
            match ready!(connection.poll(cx, buffer, received, now, &rules, max_queued)) {
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

    /// Waits for a client that can resume on another socket. Removes the connection of any other
    /// client.
    pub(super) fn carrier_broke(&mut self, key: Key) {
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

    /// Takes the request of a client without a socket of its own. If its connection is gone, the
    /// answer is dropped, and the caller sees this.
    pub(super) fn take_request(&mut self, id: &ConnectionId, request: ClientRequest) {
        let now = self.now();
        let Some(key) = self.table.find(id) else { return };
        match request {
            ClientRequest::Messages { bytes, token, taken } => {
                if !self.takes_token(key, token) {
                    let _ = taken.send(PostAnswer::TokenExpired);
                    return;
                }
                self.counts.received.bytes += bytes.len() as u64;
                self.count_posted(key, bytes.len());
                let Some(connection) = self.table.get_mut(key) else { return };
                let effects = connection.session.receive(&bytes, now, &self.shared.rules);
                let holds_more = connection.count_partial();
                self.apply(key, effects, now);
                if holds_more {
                    self.relieve();
                }
                self.answer_post(key, taken, now);
            }
            ClientRequest::Poll { token, poll } => {
                if !self.takes_token(key, token) {
                    let _ = poll.send(PollAnswer::TokenExpired);
                    return;
                }
                if let Some(connection) = self.table.get_mut(key)
                    && let Carrier::LongPolling(polls) = &mut connection.carrier
                    && polls.poll(poll, now)
                {
                    self.remove(key);
                }
            }
            ClientRequest::Resume(may_resume) => {
                let may =
                    self.takes_token(key, TokenTime::Expired) && self.table.get(key).is_some();
                let _ = may_resume.send(may);
            }
            ClientRequest::End => self.remove(key),
        }
    }

    /// Checks the connections that are due.
    pub(super) fn tick(&mut self, keys: &[Key]) {
        // Messages may have come after the caller read the clock.
        let now = self.now();
        for key in keys {
            let Some(connection) = self.table.get_mut(*key) else { continue };
            let effects = connection.tick(now, &self.shared.rules);
            self.apply(*key, effects, now);
            self.schedule(*key, now);
        }
    }

    /// Counts the silence of these clients from now on.
    pub(super) fn begin_silence(&mut self, keys: &[Key]) {
        let now = self.now();
        for key in keys {
            if let Some(connection) = self.table.get_mut(*key) {
                connection.session.is_not_read(now);
            }
        }
    }

    /// Schedules the next check of a connection.
    pub(super) fn schedule(&mut self, key: Key, now: Seconds) {
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
                Effect::OpenApp { protocol, handshake } => {
                    self.open_app(key, &protocol, handshake, now);
                }
                Effect::ToApp(bytes) => self.send_to_app(key, bytes.into()),
                Effect::Call(call) => {
                    self.counts.received.calls += 1;
                    self.call(key, call, now);
                }
                Effect::Completed { invocation_id, outcome, protocol, message } => {
                    self.counts.received.results += 1;
                    let answer = Answer { outcome, protocol, message };
                    if self.is_for_app(key, &invocation_id) {
                        self.pass_answer_on(key, &invocation_id, &answer);
                    } else {
                        self.complete(key, &invocation_id, answer);
                    }
                }
                Effect::End => self.end(key, now),
                Effect::Abort => self.remove(key),
            }
        }
        // The received messages may need an earlier check, such as the first ping or the first
        // message.
        self.look_sooner(key, now);
    }

    /// Schedules the next check of a connection if it is earlier than before.
    pub(super) fn look_sooner(&mut self, key: Key, now: Seconds) {
        if let Some(connection) = self.table.get(key)
            && connection.deadline(now, &self.shared.rules) < connection.due
        {
            self.schedule(key, now);
        }
    }

    /// Sends a message that is for this connection alone.
    fn send_own(&mut self, key: Key, bytes: &[u8], messages: u32, now: Seconds) {
        if let Some(connection) = self.table.get(key) {
            self.send(key, &connection.encoding().frame(bytes), messages, now);
        }
    }

    /// Sends a message that the client must get, even if its queue is full.
    fn send_last(&mut self, key: Key, bytes: &[u8], now: Seconds) {
        if let Some(connection) = self.table.get_mut(key) {
            let frame = connection.encoding().frame(bytes);
            // Without a bound no queue is full.
            let _ = connection.carrier.send(&frame, usize::MAX, now);
        }
    }

    /// Writes to a connection. If the client's queue is full, the client is closed.
    pub(super) fn send(&mut self, key: Key, frame: &Bytes, messages: u32, now: Seconds) {
        let Some(connection) = self.table.get_mut(key) else { return };
        if connection.send(frame, messages, self.shared.max_queued, now).is_err() {
            self.close_slow(key, Ended::Slow, now);
        }
    }

    /// Writes messages to connections. Every delivery has this cost, so the counts are added up
    /// first and noted once.
    pub(super) fn send_batch(&mut self, keys: &[Key], batch: &Batch<'_>, kind: TargetKind) {
        let (now, max_queued) = (self.now(), self.shared.max_queued);
        let (mut deliveries, mut bytes) = (0, 0);
        // Most connections have the same encoding as the one before.
        let mut last: Option<(Encoding, &[JoinedFrame])> = None;
        for key in keys {
            let Some(connection) = self.table.get_mut(*key) else { continue };
            let encoding = connection.encoding();
            let of_other;
            let frames = match last {
                Some((of, frames)) if of == encoding => frames,
                _ => match connection.other_protocol() {
                    Some(name) => {
                        of_other = batch.of_other(name, encoding);
                        &of_other
                    }
                    None => {
                        let frames = batch.frames(encoding);
                        last = Some((encoding, frames));
                        frames
                    }
                },
            };
            let send = |frame: &JoinedFrame| {
                deliveries += u64::from(frame.messages);
                bytes += frame.bytes.len() as u64;
                connection.send(&frame.bytes, frame.messages, max_queued, now)
            };
            if frames.iter().try_for_each(send).is_err() {
                self.close_slow(*key, Ended::Slow, now);
            }
        }
        let sent = self.counts.sent.get_mut(kind);
        sent.deliveries += deliveries;
        sent.bytes += bytes;
    }

    /// Frees memory while more is held for all clients than is allowed. It frees the largest
    /// holders first. The order of the means is: app servers that take nothing; then frames that
    /// are kept for a reconnect of connected clients; then closing these clients. Clients for which
    /// little is held are left alone: bytes that cannot be dropped before they are written are not
    /// their fault. If this was not enough, all clients are looked at again in the next second.
    pub(super) fn relieve(&mut self) {
        let budget = &self.shared.queue_budget;
        if !budget.is_over() || self.shared.app_servers.relieve(budget) {
            return;
        }
        let now = self.now();
        if self.relieved_in_vain == Some(now) {
            return;
        }
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
        self.relieved_in_vain = self.shared.queue_budget.is_over().then_some(now);
    }

    fn repeat(&mut self, key: Key, frames: &[Bytes], now: Seconds) {
        for frame in frames {
            let Some(connection) = self.table.get_mut(key) else { return };
            // The repeated frames fitted into the bound when they were first sent.
            if connection.carrier.send(frame, usize::MAX, now).is_err() {
                return self.close_slow(key, Ended::Slow, now);
            }
        }
    }
}
