//! The hubs of a service: one handle to all shards.

pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod encoding;
mod members;
pub(crate) mod message;
pub(crate) mod shard;
mod user_groups;
mod wheel;

use std::{
    hash::{BuildHasher, RandomState},
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use signalr_serverless::{ConnectionId, GroupName, HubName};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    task::LocalSet,
};

use self::{
    command::{Action, Answer, Command, Member, Query, Target},
    message::Message,
    shard::{FromClient, NewSocket, Newcomer, Shared, Work},
};
use crate::{protocol::Outcome, transport::long_polling::PollAnswer};

/// How much may wait in a shard's queue. A publisher that is faster than the sockets waits for a
/// place, and what waits is written together.
const WINDOW: usize = 64;

/// All hubs, spread over the shards.
///
/// A command is taken once it is in the queue of every shard that it concerns. Shards get commands
/// in one common order.
pub(crate) struct Hubs {
    queues: Vec<mpsc::Sender<Work>>,
    /// Held while commands are put into the queues, and with it the store is changed, so that every
    /// shard and the store see one order. Never held across an await.
    order: Mutex<Intake>,
    hasher: RandomState,
    shared: Shared,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Whether work is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intake {
    Open,
    /// All but what clients need to end their connections is refused.
    Closed,
}

/// The service is at its end and takes nothing more.
#[derive(Debug, thiserror::Error)]
#[error("the service is shutting down")]
pub(crate) struct Stopping;

impl Hubs {
    /// Starts the shards, each on a thread of its own.
    pub(crate) fn start(shards: NonZeroUsize, shared: &Shared) -> io::Result<Self> {
        let mut queues = Vec::new();
        let mut threads = Vec::new();
        for index in 0..shards.get() {
            let (queue, work) = mpsc::channel(WINDOW);
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let shared = shared.clone();
            let run = move || LocalSet::new().block_on(&runtime, shard::run(shared, work));
            threads.push(thread::Builder::new().name(format!("shard-{index}")).spawn(run)?);
            queues.push(queue);
        }
        Ok(Self {
            queues,
            order: Mutex::new(Intake::Open),
            hasher: RandomState::new(),
            shared: shared.clone(),
            threads: Mutex::new(threads),
        })
    }

    /// Hands a new connection to the shard that will own it.
    pub(crate) async fn adopt(&self, newcomer: Newcomer) -> Result<(), Stopping> {
        let identity = Arc::clone(&newcomer.identity);
        self.push_to_owner(&identity.id, Work::Adopt(newcomer)).await
    }

    /// Gives a connection another socket.
    pub(crate) async fn resume(
        &self,
        connection: &ConnectionId,
        socket: NewSocket,
    ) -> Result<(), Stopping> {
        let work = Work::Resume { connection: connection.clone(), socket };
        self.push_to_owner(connection, work).await
    }

    /// Hands on what a client posted. Returns whether its connection is open.
    pub(crate) async fn receive(
        &self,
        connection: &ConnectionId,
        bytes: Bytes,
    ) -> Result<bool, Stopping> {
        let (taken, is_taken) = oneshot::channel();
        self.push_from_client(connection, FromClient::Messages { bytes, taken }).await?;
        Ok(is_taken.await.is_ok())
    }

    /// Asks for what waits for a client.
    pub(crate) async fn poll(
        &self,
        connection: &ConnectionId,
        poll: oneshot::Sender<PollAnswer>,
    ) -> Result<(), Stopping> {
        self.push_from_client(connection, FromClient::Poll(poll)).await
    }

    /// Ends a connection because its client did.
    pub(crate) async fn hang_up(&self, connection: &ConnectionId) -> Result<(), Stopping> {
        self.push_from_client(connection, FromClient::End).await
    }

    /// Takes a command; it is carried out in its turn.
    pub(crate) async fn send(&self, hub: HubName, action: Action) -> Result<(), Stopping> {
        let command = Arc::new(Command { hub, action });
        let work = || Work::Command { command: Arc::clone(&command), answer: None };
        match command.action.connection() {
            Some(id) => self.push_to_owner(id, work()).await,
            None => self.push(work, || true).await,
        }
    }

    /// Takes a command and waits until it is carried out. Returns how many connections matched.
    pub(crate) async fn apply(&self, hub: HubName, action: Action) -> Result<usize, Stopping> {
        let command = Arc::new(Command { hub, action });
        let mut answers = Vec::new();
        let mut work = || {
            let (answer, answered) = oneshot::channel();
            answers.push(answered);
            Work::Command { command: Arc::clone(&command), answer: Some(answer) }
        };
        match command.action.connection() {
            Some(id) => self.push_to_owner(id, work()).await?,
            None => self.push(work, || true).await?,
        }
        count(answers).await
    }

    /// Calls a method of a client and waits for its answer; `None` where the connection is not
    /// open, or ends before.
    pub(crate) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
    ) -> Result<Option<Outcome>, Stopping> {
        let (answer, answered) = oneshot::channel();
        let id = connection.clone();
        let action = Action::Invoke { connection, invocation_id, message };
        let command = Arc::new(Command { hub, action });
        self.push_to_owner(&id, Work::Command { command, answer: Some(answer) }).await?;
        match answered.await {
            Ok(Answer::Outcome(outcome)) => Ok(Some(outcome)),
            Ok(Answer::Count(_) | Answer::Members(_)) | Err(_) => Ok(None),
        }
    }

    /// How many connections a target names.
    pub(crate) async fn count(&self, hub: HubName, target: Target) -> Result<usize, Stopping> {
        count(self.ask(hub, Query::Count(target)).await?).await
    }

    /// The first connections of a group in the order of their ids, behind `after`.
    pub(crate) async fn members(
        &self,
        hub: HubName,
        group: GroupName,
        after: Option<ConnectionId>,
        limit: usize,
    ) -> Result<Vec<Member>, Stopping> {
        let mut members = Vec::new();
        for answer in self.ask(hub, Query::Members { group, after, limit }).await? {
            if let Answer::Members(some) = answer.await.map_err(|_| Stopping)? {
                members.extend(some);
            }
        }
        members.sort_unstable();
        members.truncate(limit);
        Ok(members)
    }

    async fn ask(
        &self,
        hub: HubName,
        query: Query,
    ) -> Result<Vec<oneshot::Receiver<Answer>>, Stopping> {
        let mut answers = Vec::new();
        let mut work = || {
            let (answer, answered) = oneshot::channel();
            answers.push(answered);
            Work::Query { hub: hub.clone(), query: query.clone(), answer }
        };
        match &query {
            Query::Count(Target::Connection(id)) => self.push_to_owner(id, work()).await?,
            _ => self.push(work, || true).await?,
        }
        Ok(answers)
    }

    /// Closes every connection, waits for them to end, and ends the shards. What was taken before
    /// is carried out.
    pub(crate) async fn stop(&self) {
        let mut places = Vec::with_capacity(self.queues.len());
        for queue in &self.queues {
            // A queue that is closed already belongs to a shard that has ended.
            places.extend(queue.reserve().await);
        }
        {
            let mut order = self.in_order();
            *order = Intake::Closed;
            for place in places {
                place.send(Work::Stop);
            }
        }
        for queue in &self.queues {
            queue.closed().await;
        }
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a shard ended by a panic");
            }
        }
    }

    /// Puts work into every queue in the common order, once all have a place. `in_order` runs at
    /// the same place of that order, and tells whether the work is still to be done.
    async fn push(
        &self,
        mut work: impl FnMut() -> Work,
        in_order: impl FnOnce() -> bool,
    ) -> Result<(), Stopping> {
        let mut places = Vec::with_capacity(self.queues.len());
        for queue in &self.queues {
            places.push(queue.reserve().await.map_err(|_| Stopping)?);
        }
        let order = self.in_order();
        if *order == Intake::Closed {
            return Err(Stopping);
        }
        if in_order() {
            for place in places {
                place.send(work());
            }
        }
        Ok(())
    }

    async fn push_to_owner(&self, id: &ConnectionId, work: Work) -> Result<(), Stopping> {
        let place = self.queue_of(id).reserve().await.map_err(|_| Stopping)?;
        let order = self.in_order();
        if *order == Intake::Closed {
            return Err(Stopping);
        }
        place.send(work);
        Ok(())
    }

    async fn push_from_client(
        &self,
        id: &ConnectionId,
        request: FromClient,
    ) -> Result<(), Stopping> {
        let work = Work::FromClient { connection: id.clone(), request };
        self.queue_of(id).send(work).await.map_err(|_| Stopping)
    }

    fn in_order(&self) -> MutexGuard<'_, Intake> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of the shard that owns a connection: its id alone decides, so that work for one
    /// connection concerns one shard.
    fn queue_of(&self, id: &ConnectionId) -> &mpsc::Sender<Work> {
        let shards = self.queues.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "less than the number of shards")]
        let index = (self.hasher.hash_one(id) % shards) as usize;
        &self.queues[index]
    }
}

async fn count(answers: Vec<oneshot::Receiver<Answer>>) -> Result<usize, Stopping> {
    let mut sum = 0;
    for answer in answers {
        if let Answer::Count(count) = answer.await.map_err(|_| Stopping)? {
            sum += count;
        }
    }
    Ok(sum)
}
