//! A shard: the one owner of its connections and of their part of every hub.
//!
//! It lives on a thread of its own, so nothing in it is locked. It takes what waits in its queue,
//! carries it out in order, and lets its connections' tasks run in between.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    future::poll_fn,
    net::TcpStream as StdTcpStream,
    rc::{Rc, Weak},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant, SystemTime},
};

use bytes::{Bytes, BytesMut};
use signalr_serverless::{ConnectionId, HubName};
use slotmap::SlotMap;
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc, oneshot},
    task::{spawn_local, yield_now},
    time::{MissedTickBehavior, interval, timeout},
};
use tungstenite::protocol::frame::coding::CloseCode;

use super::{
    command::{Action, Answer, Command, Member, Query, Recipients, Target},
    connection::{Arrival, Connection, Identity},
    members::Members,
    message::Message,
    wheel::Wheel,
};
use crate::{
    counters::Counters,
    protocol::Protocol,
    session::{Effect, Rules, Seconds},
    store::Store,
    transport::{tokens::ConnectionTokens, websocket::frame},
};

/// How much one turn of the queue takes.
const BATCH: usize = 64;
/// How many connections are written to before others get a turn.
const CHUNK: usize = 128;
/// Messages are joined into one write up to this many bytes.
const JOINED_BYTES: usize = 64 * 1024;
const READ_BUFFER: usize = 16 * 1024;

slotmap::new_key_type! {
    struct Key;
}

/// What a shard is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    Adopt(Newcomer),
    Command {
        command: Arc<Command>,
        answer: Option<oneshot::Sender<Answer>>,
    },
    Query {
        hub: HubName,
        query: Query,
        answer: oneshot::Sender<Answer>,
    },
    /// Close every connection, then end.
    Stop,
}

/// A connection whose transport was just established.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) identity: Arc<Identity>,
    pub(crate) socket: StdTcpStream,
    /// What came with the upgrade; it must be read before the socket.
    pub(crate) early: BytesMut,
}

/// What all shards of a service share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) rules: Arc<Rules>,
    /// The most bytes that may wait for one client.
    pub(crate) max_queued: usize,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tokens: Arc<ConnectionTokens>,
    pub(crate) counters: Arc<Counters>,
    /// When the service started.
    pub(crate) start: Instant,
}

struct Shard {
    shared: Shared,
    connections: SlotMap<Key, Connection>,
    by_id: HashMap<ConnectionId, Key>,
    hubs: HashMap<HubName, Members<Key>>,
    wheel: Wheel<Key>,
    read_buffer: Box<[u8]>,
    emptied: Rc<Notify>,
}

type SharedShard = Rc<RefCell<Shard>>;

/// Runs a shard until it is stopped or its queue is closed.
pub(crate) async fn run(shared: Shared, mut queue: mpsc::Receiver<Work>) {
    let close_timeout = Duration::from_secs(shared.rules.close_timeout.into());
    let emptied = Rc::new(Notify::new());
    let shard = Rc::new(RefCell::new(Shard::new(shared, Rc::clone(&emptied))));
    spawn_local(keep_time(Rc::downgrade(&shard)));
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let mut waiting = batch.drain(..).peekable();
        while let Some(work) = waiting.next() {
            match work {
                Work::Adopt(newcomer) => adopt(&shard, newcomer),
                Work::Command { command, answer } => {
                    let mut run = vec![command];
                    while let Some(Work::Command { command, answer: None }) = waiting.peek()
                        && answer.is_none()
                        && goes_to_the_same(&run[0], command)
                    {
                        run.push(Arc::clone(command));
                        waiting.next();
                    }
                    let count = carry_out(&shard, &run).await;
                    reply(answer, Answer::Count(count));
                }
                Work::Query { hub, query, answer } => {
                    let found = shard.borrow().look_up(&hub, &query);
                    reply(Some(answer), found);
                }
                Work::Stop => {
                    close_all(&shard).await;
                    let _ = timeout(close_timeout, until_empty(&shard, &emptied)).await;
                    return;
                }
            }
        }
    }
}

/// A caller that went away is no error.
fn reply(to: Option<oneshot::Sender<Answer>>, answer: Answer) {
    if let Some(to) = to {
        let _ = to.send(answer);
    }
}

/// Whether two commands are messages with the same recipients, so that both fit in one write.
fn goes_to_the_same(first: &Command, second: &Command) -> bool {
    match (&first.action, &second.action) {
        (Action::Send { recipients: one, .. }, Action::Send { recipients: other, .. }) => {
            first.hub == second.hub && one == other
        }
        _ => false,
    }
}

/// Carries out a run of commands that [go to the same](goes_to_the_same). Returns how many
/// connections matched.
async fn carry_out(shard: &SharedShard, run: &[Arc<Command>]) -> usize {
    let Some(first) = run.first() else { return 0 };
    let hub = &first.hub;
    match &first.action {
        Action::Send { recipients, .. } => {
            let messages: Vec<&Arc<Message>> = run
                .iter()
                .filter_map(|command| match &command.action {
                    Action::Send { message, .. } => Some(message),
                    _ => None,
                })
                .collect();
            deliver(shard, hub, recipients, &messages).await
        }
        Action::Close { recipients, reason } => {
            close(shard, hub, recipients, reason.as_deref()).await
        }
        action => shard.borrow_mut().change_groups(hub, action),
    }
}

/// Writes messages to their recipients, joined, a chunk of connections at a time.
async fn deliver(
    shard: &SharedShard,
    hub: &HubName,
    recipients: &Recipients,
    messages: &[&Arc<Message>],
) -> usize {
    let keys = shard.borrow().recipients(hub, recipients);
    if keys.is_empty() {
        return 0;
    }
    for frame in joined_frames(messages) {
        for (index, chunk) in keys.chunks(CHUNK).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            let mut shard = shard.borrow_mut();
            for key in chunk {
                shard.send(*key, &frame);
            }
        }
    }
    keys.len()
}

/// The frames of all messages in order, small ones joined.
fn joined_frames(messages: &[&Arc<Message>]) -> Vec<Bytes> {
    if let [message] = messages {
        return vec![message.websocket_frame(Protocol::Json).clone()];
    }
    let mut joined: Vec<BytesMut> = Vec::new();
    for message in messages {
        let frame = message.websocket_frame(Protocol::Json);
        match joined.last_mut() {
            Some(last) if last.len() + frame.len() <= JOINED_BYTES => last.extend_from_slice(frame),
            _ => joined.push(BytesMut::from(frame.as_ref())),
        }
    }
    joined.into_iter().map(BytesMut::freeze).collect()
}

async fn close(
    shard: &SharedShard,
    hub: &HubName,
    recipients: &Recipients,
    reason: Option<&str>,
) -> usize {
    let keys = shard.borrow().recipients(hub, recipients);
    close_each(shard, &keys, reason).await;
    keys.len()
}

async fn close_all(shard: &SharedShard) {
    let keys: Vec<Key> = shard.borrow().connections.keys().collect();
    close_each(shard, &keys, Some("the service is shutting down")).await;
}

async fn close_each(shard: &SharedShard, keys: &[Key], reason: Option<&str>) {
    for chunk in keys.chunks(CHUNK) {
        {
            let mut shard = shard.borrow_mut();
            for key in chunk {
                shard.close(*key, reason);
            }
        }
        yield_now().await;
    }
}

async fn until_empty(shard: &SharedShard, emptied: &Notify) {
    while !shard.borrow().connections.is_empty() {
        emptied.notified().await;
    }
}

/// Lets time pass for the connections of a shard, for as long as it lives.
async fn keep_time(shard: Weak<RefCell<Shard>>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        let Some(shard) = shard.upgrade() else { return };
        let now = shard.borrow().now();
        let due = shard.borrow_mut().wheel.advance(now);
        for chunk in due.chunks(CHUNK) {
            for (at, key) in chunk {
                shard.borrow_mut().tick(*key, *at, now);
            }
            yield_now().await;
        }
    }
}

fn adopt(shard: &SharedShard, newcomer: Newcomer) {
    let identity = Arc::clone(&newcomer.identity);
    match shard.borrow_mut().insert(newcomer) {
        Ok(key) => {
            spawn_local(serve(Rc::clone(shard), key));
        }
        Err(error) => {
            tracing::warn!(connection = %identity.id, %error, "a socket could not be taken over");
        }
    }
}

/// The task of one connection: waits for its socket, until it is gone.
async fn serve(shard: SharedShard, key: Key) {
    poll_fn(|cx| shard.borrow_mut().poll(key, cx)).await;
}

impl Shard {
    fn new(shared: Shared, emptied: Rc<Notify>) -> Self {
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

    fn now(&self) -> Seconds {
        Seconds::try_from(self.shared.start.elapsed().as_secs()).unwrap_or(Seconds::MAX)
    }

    fn insert(&mut self, newcomer: Newcomer) -> std::io::Result<Key> {
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
            self.apply(key, effects);
        }
        Ok(key)
    }

    /// Drives one connection; is ready when it is gone.
    fn poll(&mut self, key: Key, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        let rules = Arc::clone(&self.shared.rules);
        while let Some(connection) = self.connections.get_mut(key) {
            match std::task::ready!(connection.poll(cx, &mut self.read_buffer, now, &rules)) {
                Arrival::Effects(effects) => self.apply(key, effects),
                Arrival::Gone => self.remove(key),
            }
        }
        Poll::Ready(())
    }

    fn tick(&mut self, key: Key, at: Seconds, now: Seconds) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // The connection was scheduled anew since; that entry is the one that counts.
        if connection.due != at {
            return;
        }
        let effects = connection.session.tick(now, &self.shared.rules);
        self.apply(key, effects);
        self.schedule(key);
    }

    fn schedule(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            let deadline = connection.session.deadline(&self.shared.rules);
            connection.due = self.wheel.schedule(key, deadline);
        }
    }

    fn apply(&mut self, key: Key, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.send(key, &frame::text(&bytes)),
                Effect::Open => self.join_hub(key),
                Effect::End => self.end(key),
                Effect::Abort => self.remove(key),
            }
        }
    }

    /// Writes to a connection. A client whose queue is full is closed.
    fn send(&mut self, key: Key, frame: &Bytes) {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.session.sent(now);
        if connection.send(frame, self.shared.max_queued).is_err() {
            connection.drop_queued();
            self.shared.counters.slow_client_closed();
            tracing::warn!(connection = %connection.identity.id, "a slow client is closed");
            self.close(
                key,
                Some("the client reads slower than messages come, and its queue is full"),
            );
        }
    }

    fn close(&mut self, key: Key, reason: Option<&str>) {
        let now = self.now();
        if let Some(connection) = self.connections.get_mut(key) {
            let effects = connection.session.close(reason, true, now);
            self.apply(key, effects);
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
        if let Some(members) = self.hubs.get_mut(hub) {
            members.remove(key, user.as_ref(), &std::mem::take(&mut connection.groups));
            if members.is_empty() {
                self.hubs.remove(hub);
            }
        }
    }

    /// The connection with this id, where it is open in this hub.
    fn find(&self, hub: &HubName, id: &ConnectionId) -> Option<Key> {
        let key = *self.by_id.get(id)?;
        let connection = self.connections.get(key)?;
        (connection.identity.hub == *hub).then_some(key)
    }

    fn recipients(&self, hub: &HubName, recipients: &Recipients) -> Vec<Key> {
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

    /// Carries out a change of groups. Returns how many connections it concerned.
    fn change_groups(&mut self, hub: &HubName, action: &Action) -> usize {
        let keys = match (action, action.connection(), self.hubs.get(hub)) {
            (_, Some(id), _) => self.find(hub, id).into_iter().collect(),
            (
                Action::UserJoinGroup { user, .. }
                | Action::UserLeaveGroup { user, .. }
                | Action::UserLeaveAllGroups { user },
                _,
                Some(members),
            ) => members.of_user(user),
            _ => Vec::new(),
        };
        let Some(members) = self.hubs.get_mut(hub) else { return 0 };
        for key in &keys {
            if let Some(connection) = self.connections.get_mut(*key) {
                change_groups_of(*key, connection, members, action);
            }
        }
        keys.len()
    }

    fn look_up(&self, hub: &HubName, query: &Query) -> Answer {
        let members = self.hubs.get(hub);
        match query {
            Query::Count(Target::Connection(id)) => {
                Answer::Count(usize::from(self.find(hub, id).is_some()))
            }
            Query::Count(target) => {
                Answer::Count(members.map_or(0, |members| members.count(target)))
            }
            Query::CountUserInGroup { user, group } => {
                let count = |members: &Members<Key>| {
                    let of_user = members.of_user(user).into_iter();
                    of_user.filter(|key| members.is_in_by_user(*key, group)).count()
                };
                Answer::Count(members.map_or(0, count))
            }
            Query::Members { group, after, limit } => {
                let keys = members.into_iter().flat_map(|members| members.of_group(group));
                let identities = keys.filter_map(|key| self.connections.get(key));
                let mut found: Vec<Member> = identities
                    .map(|connection| &connection.identity)
                    .filter(|identity| after.as_ref().is_none_or(|after| identity.id > *after))
                    .map(|identity| Member {
                        connection: identity.id.clone(),
                        user: identity.user.clone(),
                    })
                    .collect();
                found.sort_unstable();
                found.truncate(*limit);
                Answer::Members(found)
            }
        }
    }
}

fn change_groups_of(
    key: Key,
    connection: &mut Connection,
    members: &mut Members<Key>,
    action: &Action,
) {
    let groups = &mut connection.groups;
    match action {
        Action::JoinGroup { group, .. } => {
            if members.join(key, group) {
                groups.push(group.clone());
            }
        }
        Action::UserJoinGroup { group, .. } => {
            if members.join_by_user(key, group) {
                groups.push(group.clone());
            }
        }
        Action::LeaveGroup { group, .. } => {
            members.leave(key, group);
            groups.retain(|one| one != group);
        }
        Action::UserLeaveGroup { group, .. } => {
            if members.leave_by_user(key, group) {
                groups.retain(|one| one != group);
            }
        }
        Action::LeaveAllGroups { .. } => {
            for group in groups.drain(..) {
                members.leave(key, &group);
            }
        }
        Action::UserLeaveAllGroups { .. } => {
            groups.retain(|group| !members.leave_by_user(key, group));
        }
        Action::Send { .. } | Action::Close { .. } => {}
    }
}
