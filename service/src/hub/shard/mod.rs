//! A shard: the one owner of its connections and of their part of every hub.
//!
//! It lives on a thread of its own, so nothing in it is locked. It takes what waits in its queue,
//! carries it out in order, and lets its connections' tasks run in between.

mod carriers;
mod connections;
mod delivery;
mod invocation;
mod membership;
mod upstream;

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    net::TcpStream,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use signalr_serverless::{ConnectionId, HubName};
use slotmap::SlotMap;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::{spawn_local, yield_now},
    time::{MissedTickBehavior, interval, timeout},
};

use self::delivery::{CHUNK, carry_out, close_all, goes_to_the_same};
use super::{
    command::{Answer, Command, Query},
    connection::{Connection, Identity},
    members::Members,
    wheel::Wheel,
};
use crate::{
    counters::Counters,
    session::{Rules, Terms},
    store::Store,
    transport::{
        long_polling::PollAnswer, server_sent_events::EventSink, tokens::ConnectionTokens,
    },
    upstream::{Caller, Upstream},
};

/// How much one turn of the queue takes.
const BATCH: usize = 64;

slotmap::new_key_type! {
    struct Key;
}

/// What a shard is asked to do.
#[derive(Debug)]
pub(crate) enum Work {
    Adopt(Newcomer),
    /// A client goes on on another socket.
    Resume {
        connection: ConnectionId,
        socket: NewSocket,
    },
    /// A client without a socket of its own made a request.
    FromClient {
        connection: ConnectionId,
        request: FromClient,
    },
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

/// What a client without a socket of its own wants.
#[derive(Debug)]
pub(crate) enum FromClient {
    /// To send these.
    Messages { bytes: Bytes, taken: oneshot::Sender<()> },
    /// To get what waits for it.
    Poll(oneshot::Sender<PollAnswer>),
    /// To end its connection.
    End,
}

/// A connection whose transport was just established.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) identity: Arc<Identity>,
    pub(crate) terms: Terms,
    pub(crate) carrier: NewCarrier,
    /// What the upstream is told about the client, where there is one.
    pub(crate) caller: Option<Caller>,
}

/// What will move the bytes of a connection.
#[derive(Debug)]
pub(crate) enum NewCarrier {
    WebSocket(NewSocket),
    ServerSentEvents(EventSink),
    LongPolling,
}

/// A socket after its upgrade to a WebSocket.
#[derive(Debug)]
pub(crate) struct NewSocket {
    pub(crate) socket: TcpStream,
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
    pub(crate) upstream: Option<Upstream>,
    /// When the service started.
    pub(crate) start: Instant,
}

struct Shard {
    shared: Shared,
    connections: SlotMap<Key, Connection>,
    /// Every connection, from its transport's beginning to its end.
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
                Work::Resume { connection, socket } => {
                    let resumed = shard.borrow_mut().resume(&connection, socket);
                    if let Some((key, turn)) = resumed {
                        spawn_local(serve(Rc::clone(&shard), key, turn));
                    }
                }
                Work::FromClient { connection, request } => {
                    shard.borrow_mut().take_request(&connection, request);
                }
                Work::Command { command, answer } if command.action.is_invocation() => {
                    shard.borrow_mut().invoke(&command, answer);
                }
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
                    let parting = take_leave(&shard, &emptied, waiting, &mut queue);
                    // Who stays away longer has nothing coming.
                    let _ = timeout(close_timeout, parting).await;
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

/// Waits until every connection has ended, which some clients do by requests.
async fn take_leave(
    shard: &SharedShard,
    emptied: &Notify,
    waiting: impl Iterator<Item = Work>,
    queue: &mut mpsc::Receiver<Work>,
) {
    // Anything else came when the end had begun, and is refused by being dropped.
    let take = |work| {
        if let Work::FromClient { connection, request } = work {
            shard.borrow_mut().take_request(&connection, request);
        }
    };
    waiting.for_each(take);
    while !shard.borrow().connections.is_empty() {
        tokio::select! {
            () = emptied.notified() => {}
            Some(work) = queue.recv() => take(work),
        }
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

fn adopt(shard: &SharedShard, mut newcomer: Newcomer) {
    let identity = Arc::clone(&newcomer.identity);
    let gone = match &mut newcomer.carrier {
        NewCarrier::ServerSentEvents(events) => events.take_gone(),
        NewCarrier::WebSocket(_) | NewCarrier::LongPolling => None,
    };
    let inserted = shard.borrow_mut().insert(newcomer);
    match (inserted, gone) {
        (Ok((key, _)), Some(gone)) => {
            let shard = Rc::downgrade(shard);
            spawn_local(async move {
                // Nothing is ever sent here: it is the end that counts.
                let _ = gone.await;
                if let Some(shard) = shard.upgrade() {
                    shard.borrow_mut().remove(key);
                }
            });
        }
        (Ok((key, turn)), None) => {
            spawn_local(serve(Rc::clone(shard), key, turn));
        }
        (Err(error), _) => {
            tracing::warn!(connection = %identity.id, %error, "a socket could not be taken over");
        }
    }
}

/// The task of one connection's socket: waits for it, until it is gone.
async fn serve(shard: SharedShard, key: Key, turn: u32) {
    poll_fn(|cx| shard.borrow_mut().poll(key, turn, cx)).await;
}
