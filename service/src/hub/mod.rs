//! The hubs of a service: one handle to all shards.

pub(crate) mod answer;
pub(crate) mod command;
mod connection;
pub(crate) mod counts;
mod followed;
pub(crate) mod message;
mod queues;
mod refused;
pub(crate) mod shard;
mod taken;
mod user_groups;
pub(crate) mod wire;
pub(crate) mod work;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use signalr_serverless::{ConnectionId, GroupName, HubName};
use tokio::{
    net::TcpStream,
    runtime::{self, Handle},
    sync::oneshot,
    task::LocalSet,
    time::{Instant, timeout},
};

use self::{
    answer::Answered,
    command::{Action, Command, Target},
    counts::{ShardCounts, ShardReport, TargetKind},
    message::Message,
    queues::Queues,
    shard::Shared,
    taken::Taken,
    user_groups::UserGroups,
    work::{ClientRequest, Cursor, Invoke, Member, NewConnection, Question, Work},
};
pub(crate) use self::{queues::Stopping, refused::Refused};
use crate::{
    carrier::{PollAnswer, WebSocket},
    shard_of::ShardOf,
};

/// How much longer than the spread the closing of all connections may take.
const CLOSE_LEEWAY: Duration = Duration::from_secs(1);

/// All hubs, spread over the shards.
pub(crate) struct Hubs {
    queues: Arc<Queues>,
    /// The runtime of each shard, where its sockets are registered.
    runtimes: Vec<Handle>,
    pub(crate) user_groups: UserGroups,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// What the shards counted when they were asked last. Held for short synchronous sections only.
    counted: Mutex<Vec<ShardCounts>>,
    pub(crate) taken: Taken,
}

impl Hubs {
    /// Starts the shards, each on a thread of its own.
    pub(crate) fn start(shard_of: ShardOf, shared: &Shared) -> io::Result<Self> {
        let (queues, ends) = Queues::new(shard_of);
        let (mut runtimes, mut threads) = (Vec::new(), Vec::new());
        for (index, work) in ends.into_iter().enumerate() {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtimes.push(runtime.handle().clone());
            let shared = shared.clone();
            let run = move || LocalSet::new().block_on(&runtime, shard::run(shared, work));
            threads.push(thread::Builder::new().name(format!("shard-{index}")).spawn(run)?);
        }
        let queues = Arc::new(queues);
        let user_groups = UserGroups::new(Arc::clone(&queues), Arc::clone(&shared.store));
        let counted = Mutex::new(vec![ShardCounts::default(); threads.len()]);
        let (threads, taken) = (Mutex::new(threads), Taken::default());
        Ok(Self { queues, runtimes, user_groups, threads, counted, taken })
    }

    /// Registers the socket of a connection with the shard that owns the connection.
    pub(crate) fn register(
        &self,
        connection: &ConnectionId,
        socket: std::net::TcpStream,
    ) -> io::Result<TcpStream> {
        let _context = self.runtimes[self.queues.shard_of.connection(connection)].enter();
        TcpStream::from_std(socket)
    }

    /// Hands a new connection to the shard that will own it.
    pub(crate) async fn adopt(&self, connection: NewConnection) -> Result<(), Stopping> {
        let identity = Arc::clone(&connection.identity);
        self.queues.push_to_owner(&identity.id, Work::Adopt(Box::new(connection))).await
    }

    /// Gives a connection another socket.
    pub(crate) async fn resume(
        &self,
        connection: &ConnectionId,
        socket: WebSocket,
    ) -> Result<(), Stopping> {
        let work = Work::Resume { connection: connection.clone(), socket: Box::new(socket) };
        self.queues.push_to_owner(connection, work).await
    }

    /// Hands on what a client posted. Returns whether its connection is open.
    pub(crate) async fn receive(
        &self,
        connection: &ConnectionId,
        bytes: Bytes,
    ) -> Result<bool, Stopping> {
        let (taken, is_taken) = oneshot::channel();
        let request = ClientRequest::Messages { bytes, taken };
        self.queues.push_from_client(connection, request).await?;
        Ok(is_taken.await.is_ok())
    }

    /// Asks for what waits for a client.
    pub(crate) async fn poll(
        &self,
        connection: &ConnectionId,
        poll: oneshot::Sender<PollAnswer>,
    ) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::Poll(poll)).await
    }

    /// Ends a connection because its client did.
    pub(crate) async fn hang_up(&self, connection: &ConnectionId) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::End).await
    }

    /// Takes a command; it is carried out in its turn.
    pub(crate) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Stopping> {
        self.taken.action(&action);
        let command = Arc::new(Command { hub, followed: action.followed(), action });
        let work = || Work::Command { command: Arc::clone(&command), matched: None };
        match command.action.connection() {
            Some(id) => self.queues.push_to_owner(id, work()).await,
            None => self.queues.push_to_all(work).await,
        }
    }

    /// Takes a command and waits until it is carried out. Returns how many connections matched.
    pub(crate) async fn carry_out(&self, hub: HubName, action: Action) -> Result<usize, Stopping> {
        self.taken.action(&action);
        self.begin(Command { hub, followed: action.followed(), action }).await?.matched().await
    }

    /// Takes a command. The answer can be waited for later.
    pub(crate) async fn begin(&self, command: Command) -> Result<Begun, Stopping> {
        let command = Arc::new(command);
        let mut answers = Vec::new();
        let mut work = || {
            let (matched, answer) = oneshot::channel();
            answers.push(answer);
            Work::Command { command: Arc::clone(&command), matched: Some(matched) }
        };
        match command.action.connection() {
            Some(id) => self.queues.push_to_owner(id, work()).await?,
            None => self.queues.push_to_all(work).await?,
        }
        Ok(Begun(answers))
    }

    /// Calls a method of a client and waits for its answer; `None` if the connection is not open,
    /// or ends before.
    pub(crate) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
    ) -> Result<Option<Answered>, Stopping> {
        self.taken.message(TargetKind::Connection, &message);
        let answer = self.begin_invocation(hub, connection, invocation_id, message).await?;
        Ok(answer.await.ok())
    }

    /// Calls a method of a client. The answer can be waited for later; it is dropped if the
    /// connection is not open, or ends before.
    pub(crate) async fn begin_invocation(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
    ) -> Result<oneshot::Receiver<Answered>, Stopping> {
        let (sender, answer) = oneshot::channel();
        let id = connection.clone();
        let invoke = Invoke { hub, connection, invocation_id, message, answer: sender };
        self.queues.push_to_owner(&id, Work::Invoke(invoke)).await?;
        Ok(answer)
    }

    /// How many connections a target names.
    pub(crate) async fn count(&self, hub: HubName, target: Target) -> Result<usize, Stopping> {
        self.begin_count(hub, target).await?.matched().await
    }

    /// Asks how many connections a target names. The answer can be waited for later.
    pub(crate) async fn begin_count(
        &self,
        hub: HubName,
        target: Target,
    ) -> Result<Begun, Stopping> {
        let mut answers = Vec::new();
        let mut work = || {
            let (count, answer) = oneshot::channel();
            answers.push(answer);
            let question = Question::Count { target: target.clone(), count };
            Work::Ask { hub: hub.clone(), question }
        };
        match target.connection() {
            Some(id) => self.queues.push_to_owner(id, work()).await?,
            None => self.queues.push_to_all(work).await?,
        }
        Ok(Begun(answers))
    }

    /// The first connections of a group in this node behind `after`, shard by shard, each with its place. A
    /// connection that comes or goes does not move the others.
    pub(crate) async fn members(
        &self,
        node: u64,
        hub: &HubName,
        group: &GroupName,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<(Cursor, Member)>, Stopping> {
        let mut page = Vec::new();
        let (first, mut after) = after.map_or((0, None), |one| (one.shard, Some(one.place)));
        for shard in first..self.queues.shard_of.shards() {
            let limit = limit.saturating_sub(page.len());
            if limit == 0 {
                break;
            }
            let (members, answer) = oneshot::channel();
            let (group, after) = (group.clone(), after.take());
            let question = Question::Members { group, after, limit, members };
            self.queues.push_to(shard, Work::Ask { hub: hub.clone(), question }).await?;
            let members = answer.await.map_err(|_| Stopping)?.into_iter();
            page.extend(members.map(|one| (Cursor { node, shard, place: one.place }, one)));
        }
        Ok(page)
    }

    /// Lets the store be asked again for the groups of all users, as changes may have been missed.
    pub(crate) async fn ask_groups_again(&self) -> Result<(), Stopping> {
        self.queues.push_to_all(|| Work::AskGroupsAgain).await
    }

    /// What each shard counts. One that does not answer within `patience` is reported as it was when it
    /// was asked last.
    pub(crate) async fn report(&self, patience: Duration) -> Vec<ShardReport> {
        let asked = Instant::now();
        let shards = 0..self.queues.shard_of.shards();
        let answers = shards.map(|shard| async move {
            let (report, answer) = oneshot::channel();
            let answered = async {
                self.queues.push_to(shard, Work::Report(report)).await.ok()?;
                answer.await.ok()
            };
            let counts = timeout(patience, answered).await.ok().flatten();
            (counts, asked.elapsed())
        });
        let answers = join_all(answers).await;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let reports = counted.iter_mut().zip(answers).map(|(last, (counts, lag))| {
            if let Some(counts) = counts {
                *last = counts;
            }
            ShardReport { counts: last.clone(), lag }
        });
        reports.collect()
    }

    /// Tells every client to come back, over a time. Work is taken as before.
    pub(crate) async fn close_over(&self, spread: Duration) {
        match timeout(spread.saturating_add(CLOSE_LEEWAY), self.closed_over(spread)).await {
            Ok(Ok(connections)) => tracing::info!(connections, "clients were told to come back"),
            // All that are left are closed at once when the shards are stopped.
            Ok(Err(Stopping)) | Err(_) => tracing::warn!("a shard does not close its connections"),
        }
    }

    async fn closed_over(&self, spread: Duration) -> Result<usize, Stopping> {
        let mut answers = Vec::new();
        let work = || {
            let (done, answer) = oneshot::channel();
            answers.push(answer);
            Work::CloseOver { spread, done }
        };
        self.queues.push_to_all(work).await?;
        Ok(all(answers).await?.into_iter().sum())
    }

    /// Closes every connection, waits for them to end, and ends the shards. What was taken before
    /// is carried out.
    pub(crate) async fn stop(&self) {
        self.queues.stop().await;
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a shard ended by a panic");
            }
        }
    }
}

/// Something that the shards were asked to do, and their answers to come.
#[derive(Debug)]
pub(crate) struct Begun(Vec<oneshot::Receiver<usize>>);

impl Begun {
    /// Waits until it is done. Returns how many connections matched.
    pub(crate) async fn matched(self) -> Result<usize, Stopping> {
        Ok(all(self.0).await?.into_iter().sum())
    }
}

/// The answers of all shards that were asked.
async fn all<T>(answers: Vec<oneshot::Receiver<T>>) -> Result<Vec<T>, Stopping> {
    let mut all = Vec::with_capacity(answers.len());
    for answer in answers {
        all.push(answer.await.map_err(|_| Stopping)?);
    }
    Ok(all)
}
