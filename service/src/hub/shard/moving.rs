//! Connections that move to another node or come from one.

use std::{rc::Weak, sync::Arc, time::Duration};

use signalr_serverless::{ConnectionId, GroupName, HubName};
use tokio::{task::spawn_local, time::sleep};

use super::{
    members::Way,
    state::{Shard, WeakShard},
    table::Key,
};
use crate::{
    broker::Broker,
    carrier::Carrier,
    hub::{
        command::GroupChange,
        connection::Connection,
        message::Message,
        moving::{InGroup, Moved, Outline, Unanswered},
        user_shards::UserHere,
        work::{Arriving, Step},
    },
    identity::Identity,
    login::LoginClaims,
    session::Ended,
    store::Membership,
    upstream::{ConnectionEvents, Upstream},
};

/// How much longer than a call of its upstream the other node may need, because it tries to reach
/// this node for a while.
const LEEWAY: Duration = Duration::from_secs(40);
/// The error for a call whose answer does not come.
const NOT_ANSWERED: &str = "Invocation failed, the node that the client called does not answer.";

impl Shard {
    pub(super) fn take_step(&mut self, hub: &HubName, connection: &ConnectionId, step: Step) {
        if let Step::Begin { arriving, user_here } = step {
            return self.begin_arrival(*arriving, user_here);
        }
        let Some(key) = self.find(hub, connection) else { return };
        match step {
            Step::Look { token, outline } => {
                let may_move = self.takes_token(key, token) && self.may_move(key);
                if may_move && let Some(connection) = self.table.get(key) {
                    let protocol = connection.session.protocol();
                    // The caller may be gone.
                    let _ = outline.send(Outline { protocol, groups: self.groups_of(key) });
                }
            }
            Step::Out(moved) => {
                if let Some(out) = self.move_out(key) {
                    let _ = moved.send(out);
                }
            }
            Step::In { moved, is_here } => {
                let _ = is_here.send(self.arrived(key, *moved));
            }
            Step::Lost(upstream) => {
                if self.table.get(key).is_some_and(|one| one.session.arrives()) {
                    // The caller may be gone. Then the other node keeps the connection, or is gone.
                    let _ = upstream.send(self.forget(key));
                }
            }
            Step::Await { invocation_id, answer } => self.await_answer(key, invocation_id, answer),
            Step::Begin { .. } => {}
        }
    }

    fn may_move(&self, key: Key) -> bool {
        let Some(connection) = self.table.get(key) else { return false };
        connection.app.is_none() && connection.entering.is_none() && connection.session.may_move()
    }

    /// Ends the transport of a connection if other nodes can take it over. Returns whether there
    /// are such nodes.
    pub(super) fn leave_to_others(&mut self, key: Key) -> bool {
        let has_others = self.shared.broker.as_ref().is_some_and(Broker::is_up);
        if !has_others || !self.may_move(key) {
            return false;
        }
        self.carrier_broke(key);
        true
    }

    /// Whether one of the connections still waits to be taken over.
    pub(super) fn are_away(&self, keys: &[Key]) -> bool {
        let carriers = keys.iter().filter_map(|key| self.table.get(*key)).map(|one| &one.carrier);
        carriers.into_iter().any(|carrier| matches!(carrier, Carrier::Away))
    }

    fn groups_of(&self, key: Key) -> Vec<InGroup> {
        let Some(connection) = self.table.get(key) else { return Vec::new() };
        let in_group = |group: &GroupName| {
            let (by_itself, by_user) = self.groups.ways(&connection.identity.hub, key, group);
            InGroup { group: group.clone(), by_itself, by_user }
        };
        connection.groups.iter().map(in_group).collect()
    }

    /// Moves the connection away from this node, with the callers that wait for answers of its client.
    fn move_out(&mut self, key: Key) -> Option<(Moved, Unanswered)> {
        if !self.may_move(key) {
            return None;
        }
        let (now, groups) = (self.now(), self.groups_of(key));
        let connection = self.table.get_mut(key)?;
        let session = connection.session.move_out(now)?;
        let claims = connection.claims.get();
        let mut calls = connection.session.open_calls();
        let Identity { hub, user, .. } = &*connection.identity;
        let ends = user.as_ref().map(|user| self.shared.store.ends(hub, user)).unwrap_or_default();
        let unanswered = self.take_callers(key);
        let invocations = unanswered.iter().map(|(id, _)| id.clone()).collect();
        // The other node reports the end.
        if let Some(events) = self.forget(key) {
            calls.extend(events.open_calls());
        }
        Some((Moved { session, claims, groups, calls, invocations, ends }, unanswered))
    }

    /// Removes a connection that has not ended. Its upstream gets no report: the returned value can
    /// still make it.
    fn forget(&mut self, key: Key) -> Option<ConnectionEvents> {
        let connection = self.table.get_mut(key)?;
        connection.session.ends_by(Ended::Moved);
        let upstream = connection.upstream.take();
        self.remove(key);
        upstream
    }

    /// Begins to receive messages for the connection on this node. They are kept until it arrives.
    fn begin_arrival(&mut self, arriving: Arriving, user_here: Option<UserHere>) {
        let Arriving { connection: new, outline } = arriving;
        let now = self.now();
        let mut connection = Connection::new(new, user_here, &self.shared.queue_budget, now);
        connection.session.arrive(outline.protocol, now);
        connection.is_member = true;
        let identity = Arc::clone(&connection.identity);
        if let Some(upstream) =
            self.shared.upstream.as_ref().filter(|one| one.serves(&identity.hub))
        {
            connection.upstream = connection.caller.take().map(|caller| upstream.go_on(*caller));
        }
        let encoding = connection.encoding();
        let key = self.table.insert(connection);
        self.shared.records.counters.connection_opened();
        self.counts.opened(&identity.hub, encoding);
        self.groups.enter(key, &identity);
        self.join_as(key, &outline.groups);
        self.arriving.insert(key, Vec::new());
        self.table.schedule(key, now, &self.shared.rules);
    }

    /// Continues a connection that is to arrive here. Returns whether it does.
    fn arrived(&mut self, key: Key, moved: Moved) -> bool {
        let now = self.now();
        let Some(connection) = self.table.get_mut(key).filter(|one| one.session.arrives()) else {
            return false;
        };
        connection.claims = LoginClaims::new(&moved.claims);
        if moved.session.renewed.is_some()
            && let Some(upstream) = &connection.upstream
        {
            upstream.renew_claims(&moved.claims);
        }
        connection.session.arrived(moved.session, now);
        if !moved.calls.is_empty() {
            connection.session.calls_are_open(&moved.calls);
            spawn_local(end_open_calls(Weak::clone(&self.itself), key, moved.calls.len()));
        }
        self.expect_answers(key, moved.invocations);
        self.follow_groups(key, &moved.groups);
        self.follow_ends(key, moved.ends);
        self.relieve();
        true
    }

    /// Puts a connection that arrived into the groups that it had when it left the other node, and
    /// makes the changes since then again.
    fn follow_groups(&mut self, key: Key, groups: &[InGroup]) {
        let changes = self.arriving.remove(&key).unwrap_or_default();
        for known in self.groups_of(key).iter().filter(|one| !groups.contains(one)) {
            let leave = GroupChange::Leave(known.group.clone());
            self.change_groups(&[key], &leave, Way::ByItself);
        }
        let known = self.groups_of(key);
        let joined: Vec<InGroup> =
            groups.iter().filter(|one| !known.contains(one)).cloned().collect();
        self.join_as(key, &joined);
        for (change, way) in changes {
            self.change_groups(&[key], &change, way);
        }
    }

    /// Ends the memberships of the user here too when their time is over.
    fn follow_ends(&self, key: Key, ends: Vec<(GroupName, u64)>) {
        let Some(connection) = self.table.get(key) else { return };
        let Identity { hub, user: Some(user), .. } = &*connection.identity else { return };
        for (group, end) in ends {
            if self.groups.is_in_by_user(hub, key, &group) {
                let (hub, user) = (hub.clone(), user.clone());
                self.shared.store.ends_elsewhere(Membership { hub, user, group }, end);
            }
        }
    }

    /// Notes which messages for a client that came from another node answer its calls.
    pub(super) fn note_answers_in<'a>(
        &mut self,
        key: Key,
        messages: impl Iterator<Item = &'a Arc<Message>>,
    ) {
        let Some(connection) = self.table.get_mut(key) else { return };
        if connection.app.is_some() || !connection.session.has_open_calls() {
            return;
        }
        for message in messages {
            if let Some(message) = message.encoded(connection.session.protocol()) {
                connection.session.note_answers(&message);
            }
        }
    }

    fn patience_for_calls(&self) -> Duration {
        let of_call = self.shared.upstream.as_ref().map(Upstream::time_limit);
        of_call.unwrap_or_default().saturating_add(LEEWAY)
    }

    fn join_as(&mut self, key: Key, groups: &[InGroup]) {
        for InGroup { group, by_itself, by_user } in groups {
            let join = GroupChange::Join(group.clone());
            for (is_so, way) in [(by_itself, Way::ByItself), (by_user, Way::ByUser)] {
                if *is_so {
                    self.change_groups(&[key], &join, way);
                }
            }
        }
    }
}

/// Ends the calls that the upstream of the other node does not answer. It answers them one after the
/// other, so nothing more comes if no answer came for as long as a call may take.
async fn end_open_calls(shard: WeakShard, key: Key, calls: usize) {
    let mut open = calls;
    loop {
        let Some(patience) = shard.upgrade().map(|shard| shard.borrow().patience_for_calls())
        else {
            return;
        };
        sleep(patience).await;
        let Some(shard) = shard.upgrade() else { return };
        let mut shard = shard.borrow_mut();
        let now = shard.now();
        let Some(connection) = shard.table.get_mut(key) else { return };
        let before = open;
        open = connection.session.open_calls().len();
        if open == 0 || open >= before {
            let failed = connection.session.fail_calls(NOT_ANSWERED);
            return shard.apply(key, failed, now);
        }
    }
}
