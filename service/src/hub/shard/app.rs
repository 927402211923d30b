//! The work of a shard's connections with app servers.

use bytes::Bytes;
use signalr_serverless::{ConnectionId, HubName};
use tokio::{sync::oneshot, task::spawn_local};

use super::{
    delivery::close_each,
    pace::{CHUNK, Pace},
    state::{Shard, SharedShard},
    table::Key,
};
use crate::{
    app_server::{CLOSED_APP, NO_SERVER},
    hub::{
        answer::Answer,
        connection::Connection,
        work::{FromApp, PostAnswer},
    },
    identity::Identity,
    session::{Ended, Seconds},
};

/// How many posts of one client may wait for its app server. Clients wait for the answer to a post
/// before they send the next.
const MOST_POSTS: usize = 16;
const TOO_MANY_POSTS: &str = "the client posts faster than its app server takes";

impl Shard {
    /// Gives a client to an app server, together with the handshake that the app has to answer.
    pub(super) fn open_app(&mut self, key: Key, protocol: &str, handshake: Bytes, now: Seconds) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(route) = &mut connection.app else { return };
        let Some(client) = route.take_client() else { return };
        let identity = &connection.identity;
        let Some(seat) = self.shared.app_servers.seat(&identity.hub, &client) else {
            connection.app = None;
            let effects = connection.session.refuse_handshake(NO_SERVER, now);
            return self.apply(key, effects, now);
        };
        if connection.session.protocol().is_other() {
            route.speak(protocol);
        }
        route.lead_to(seat, client.open(&identity.id, protocol, handshake));
        if route.may_move() {
            connection.session.note_calls();
        }
        self.enter(key);
    }

    /// Passes bytes of a client to its app server.
    pub(super) fn send_to_app(&mut self, key: Key, bytes: Bytes) {
        if let Some(connection) = self.table.get(key)
            && let Some(route) = &connection.app
        {
            self.counts.received.calls += 1;
            route.send(&connection.identity.id, bytes);
            self.relieve();
        }
    }

    /// Takes a message of an app server for one client.
    pub(super) fn take_from_app(
        &mut self,
        hub: &HubName,
        id: &ConnectionId,
        server: u64,
        said: FromApp,
    ) {
        let now = self.now();
        // The connection may have been closed in the meantime.
        let Some(key) = self.table.find(id) else { return };
        let Some(connection) = self.table.get_mut(key) else { return };
        let is_own = connection.app.as_ref().is_some_and(|route| route.leads_to(server));
        match said {
            FromApp::Data { payload, is_partial } if is_own => {
                self.deliver_from_app(key, payload, is_partial, now);
            }
            FromApp::Data { .. } => {
                tracing::debug!(connection = %id, "an app sent data for a client that it does not have");
            }
            FromApp::Close { .. } if is_own => {
                // The app server knows that the client is closed, so it gets no report.
                connection.app = None;
                let effects = connection.session.end_by_app(now);
                self.apply(key, effects, now);
            }
            FromApp::Close { reason } => {
                if self.find(hub, id).is_some() {
                    self.close(key, Ended::Closed, reason.as_deref(), now);
                }
            }
        }
    }

    fn deliver_from_app(&mut self, key: Key, payload: Bytes, is_partial: bool, now: Seconds) {
        let max_queued = self.shared.max_queued;
        let Some(connection) = self.table.get_mut(key) else { return };
        let Some(route) = &mut connection.app else { return };
        let messages = match route.take(payload, is_partial, max_queued) {
            Ok(Some(messages)) => messages,
            Ok(None) => return,
            Err(_) => return self.close(key, Ended::Slow, Some(TOO_LARGE), now),
        };
        if connection.session.is_asked() {
            return self.answer_handshake(key, &messages, now);
        }
        let numbered = connection.session.numbered(&messages).unwrap_or(1);
        let frame = connection.encoding().frame(&messages);
        let sent = self.counts.sent.get_mut(crate::hub::counts::TargetKind::Connection);
        sent.deliveries += 1;
        sent.bytes += frame.len() as u64;
        connection.session.note_answers(&messages);
        self.send(key, &frame, numbered, now);
        self.relieve();
        self.move_if_due(key);
    }

    /// Passes the answer of a client to its app server. This server made the call, or has to send
    /// the answer on.
    pub(super) fn pass_answer_on(&mut self, key: Key, invocation_id: &str, answer: &Answer) {
        if let Some(connection) = self.table.get_mut(key)
            && let Some(invocations) = &mut connection.invocations
            && let Some(waiting) = invocations.get_mut(invocation_id)
        {
            waiting.is_passed_on = true;
        }
        self.send_to_app(key, answer.frame().into());
        self.move_if_due(key);
    }

    /// Moves a client that has to move, as soon as it has no open calls.
    fn move_if_due(&mut self, key: Key) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let is_busy = connection.is_busy_with_app();
        if let Some(route) = connection.app.as_mut().filter(|route| route.is_leaving && !is_busy) {
            let Identity { hub, id, .. } = &*connection.identity;
            route.move_elsewhere(hub, id, &self.shared.app_servers);
        }
    }

    /// Passes on the app's answer to the handshake, and after it the frames that were held for the
    /// client.
    fn answer_handshake(&mut self, key: Key, answer: &[u8], now: Seconds) {
        let Some(connection) = self.table.get_mut(key) else { return };
        let is_accepted = connection.session.answered_by_app(answer, now);
        let frame = connection.encoding().frame(answer);
        // Without a bound no queue is full.
        let _ = connection.carrier.send(&frame, usize::MAX, now);
        if !is_accepted {
            return;
        }
        let held = connection.app.as_mut().map(|route| route.take_held()).unwrap_or_default();
        for (frame, messages) in held {
            self.send(key, &frame, messages, now);
        }
        self.move_if_due(key);
    }

    /// Answers a post as soon as the app server has room for the messages in it.
    pub(super) fn answer_post(
        &mut self,
        key: Key,
        taken: oneshot::Sender<PostAnswer>,
        now: Seconds,
    ) {
        let busy = self.table.get_mut(key).and_then(|connection| {
            let route = connection.app.as_mut().filter(|route| route.is_busy())?;
            route.waiting_posts += 1;
            let queue = route.seat()?.link.queue.clone();
            Some((queue, route.waiting_posts))
        });
        match busy {
            // The client may have cancelled its request.
            None => drop(taken.send(PostAnswer::Taken)),
            Some((_, waiting)) if waiting > MOST_POSTS => {
                self.close(key, Ended::Calls, Some(TOO_MANY_POSTS), now);
            }
            Some((queue, _)) => {
                let shard = self.itself.clone();
                spawn_local(async move {
                    queue.room().await;
                    let _ = taken.send(PostAnswer::Taken);
                    let Some(shard) = shard.upgrade() else { return };
                    if let Some(connection) = shard.borrow_mut().table.get_mut(key)
                        && let Some(route) = &mut connection.app
                    {
                        route.waiting_posts = route.waiting_posts.saturating_sub(1);
                    }
                });
            }
        }
    }

    /// Whether the answer of a client to an invocation is for its app server.
    pub(super) fn is_for_app(&self, key: Key, invocation_id: &str) -> bool {
        let Some(connection) = self.table.get(key) else { return false };
        let waiting = connection.invocations.as_ref().and_then(|all| all.get(invocation_id));
        connection.app.is_some() && waiting.is_none_or(|waiting| waiting.is_by_app)
    }
}

const TOO_LARGE: &str = "the app server sends a message in parts that is too large";

/// Reports to the app server that its client is gone.
pub(super) fn leave_app(connection: &mut Connection) {
    if let Some(route) = connection.app.take() {
        route.close(&connection.identity.id);
    }
}

/// Moves the clients of a server connection to other app servers, as far as there are others. The
/// clients do not notice this: a client with an open call stays until the call ends. If the server
/// connection is lost, such calls are answered with an error.
pub(super) async fn move_clients_of(
    shard: &SharedShard,
    server: u64,
    is_lost: bool,
    pace: &mut Pace,
) {
    let keys = shard.borrow().table.keys();
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        let mut shard = shard.borrow_mut();
        let (servers, now) = (shard.shared.app_servers.clone(), shard.now());
        for key in chunk {
            let Some(connection) = shard.table.get_mut(*key) else { continue };
            // The client would not get an answer to a handshake that is still open.
            let is_asked = connection.session.is_asked();
            let is_busy = connection.is_busy_with_app();
            let Identity { hub, id, .. } = &*connection.identity;
            let Some(route) = connection.app.as_mut().filter(|route| route.leads_to(server)) else {
                continue;
            };
            if is_asked && is_lost {
                continue;
            }
            if is_asked || (is_busy && !is_lost) {
                route.is_leaving = route.may_move();
            } else if route.move_elsewhere(hub, id, &servers) && is_lost {
                let failed = connection.session.fail_calls(CLOSED_APP);
                shard.apply(*key, failed, now);
            }
        }
    }
}

/// Ends the clients of a server connection that is lost. They may reconnect.
pub(super) async fn end_clients_of(shard: &SharedShard, server: u64, pace: &mut Pace) {
    let keys = shard.borrow().table.keys();
    for chunk in keys.chunks(CHUNK) {
        pace.spend(chunk.len()).await;
        let mut of_server = Vec::new();
        {
            let mut shard = shard.borrow_mut();
            for key in chunk {
                let connection = shard.table.get_mut(*key);
                if let Some(connection) = connection
                    && connection.app.as_ref().is_some_and(|route| route.leads_to(server))
                {
                    connection.app = None;
                    of_server.push(*key);
                }
            }
        }
        shard.borrow().shared.app_servers.clients_lost(of_server.len());
        close_each(shard, &of_server, Ended::AppLost, Some(CLOSED_APP), pace).await;
    }
}
