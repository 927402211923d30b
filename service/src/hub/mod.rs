//! The hubs of a service: one handle to all shards.

pub(crate) mod answer;
mod app_route;
pub(crate) mod command;
mod connection;
pub(crate) mod counts;
mod destination;
mod followed;
mod lists;
pub(crate) mod look;
pub(crate) mod message;
pub(crate) mod moving;
mod queues;
mod refused;
pub(crate) mod shard;
mod taken;
mod traced;
mod user_groups;
mod user_shards;
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
    destination::Destination,
    message::Message,
    queues::Queues,
    shard::Shared,
    taken::Taken,
    user_groups::UserGroups,
    work::{
        Arriving, ClientRequest, Cursor, FromApp, Invoke, LoginAnswer, LoginRequest, Member,
        NewConnection, PostAnswer, Question, Step, TokenTime, Work,
    },
};
pub(crate) use self::{
    queues::{AT_ONCE, Stopping},
    refused::Refused,
};
use crate::{
    carrier::{PollAnswer, WebSocket},
    identity::Identity,
    login::Renewal,
    shard_of::ShardOf,
    trace::Trace,
};

/// How much longer than the spread the closing of all connections may take. Within this time other
/// nodes also take over the connections that move to them.
const CLOSE_LEEWAY: Duration = Duration::from_secs(3);

/// All hubs, spread over the shards.
pub(crate) struct Hubs {
    queues: Arc<Queues>,
    /// The runtime of each shard. The shard's sockets are registered with it.
    runtimes: Vec<Handle>,
    pub(crate) user_groups: UserGroups,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The last known counts of each shard. The lock is held for short synchronous sections only.
    counted: Mutex<Vec<ShardCounts>>,
    pub(crate) taken: Taken,
    trace: Trace,
}

impl Hubs {
    /// Starts the shards, each on its own thread.
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
        let (threads, taken) = (Mutex::new(threads), Taken::new(shared.has_dashboard));
        let trace = shared.records.trace.clone();
        Ok(Self { queues, runtimes, user_groups, threads, counted, taken, trace })
    }

    /// Registers the socket of a connection with the shard that owns the connection.
    pub(crate) fn register(
        &self,
        connection: &ConnectionId,
        socket: std::net::TcpStream,
    ) -> io::Result<TcpStream> {
        let _context =
            self.runtimes[self.queues.destinations.shard_of.connection(connection)].enter();
        TcpStream::from_std(socket)
    }

    /// Hands a new connection to the shard that will own it.
    pub(crate) async fn adopt(&self, connection: NewConnection) -> Result<(), Stopping> {
        let identity = Arc::clone(&connection.identity);
        let shard = self.queues.destinations.shard_of.connection(&identity.id);
        let user_here = self.queues.destinations.users.hold(&identity, shard);
        let work = Work::Adopt { connection: Box::new(connection), user_here };
        self.queues.push_to(shard, work).await
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

    /// Whether a client with an expired access token may continue its connection on another socket.
    pub(crate) async fn may_resume(&self, connection: &ConnectionId) -> Result<bool, Stopping> {
        let (may_resume, answer) = oneshot::channel();
        self.queues.push_from_client(connection, ClientRequest::Resume(may_resume)).await?;
        Ok(answer.await.unwrap_or(false))
    }

    /// Passes on the bytes that a client posted. `None` if its connection is not open.
    pub(crate) async fn receive(
        &self,
        connection: &ConnectionId,
        bytes: Bytes,
        token: TokenTime,
    ) -> Result<Option<PostAnswer>, Stopping> {
        let (taken, is_taken) = oneshot::channel();
        let request = ClientRequest::Messages { bytes, token, taken };
        self.queues.push_from_client(connection, request).await?;
        Ok(is_taken.await.ok())
    }

    /// Asks for the messages that wait for a client.
    pub(crate) async fn poll(
        &self,
        connection: &ConnectionId,
        token: TokenTime,
        poll: oneshot::Sender<PollAnswer>,
    ) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::Poll { token, poll }).await
    }

    /// Ends a connection because its client ended it.
    pub(crate) async fn hang_up(&self, connection: &ConnectionId) -> Result<(), Stopping> {
        self.queues.push_from_client(connection, ClientRequest::End).await
    }

    /// Takes a command. The shards carry it out later.
    pub(crate) async fn submit(&self, hub: HubName, action: Action) -> Result<(), Stopping> {
        self.note(&hub, &action);
        let command = Arc::new(Command { hub, followed: action.followed(), action });
        let destination = self.queues.destinations.of_action(&command.hub, &command.action);
        let work = || Work::Command { command: Arc::clone(&command), matched: None };
        self.queues.push(&destination, work).await
    }

    /// Takes commands, in order. The shards carry them out later.
    pub(crate) async fn submit_all(&self, commands: Vec<Command>) -> Result<(), Stopping> {
        if commands.is_empty() {
            return Ok(());
        }
        let mut works: Vec<Vec<Work>> = Vec::new();
        works.resize_with(self.queues.destinations.shard_of.shards(), Vec::new);
        for command in commands {
            self.note(&command.hub, &command.action);
            let command = Arc::new(command);
            let work = || Work::Command { command: Arc::clone(&command), matched: None };
            match self.queues.destinations.of_action(&command.hub, &command.action) {
                Destination::One(shard) => works[shard].push(work()),
                Destination::Some(shards) => {
                    shards.into_iter().for_each(|shard| works[shard].push(work()));
                }
                Destination::All => works.iter_mut().for_each(|works| works.push(work())),
            }
        }
        self.queues.push_many(works).await
    }

    /// Counts a command that concerns no connection of this node.
    pub(crate) fn pass(&self, hub: &HubName, action: &Action) {
        self.note(hub, action);
        // The log reports that nothing was delivered here.
        drop(action.followed());
    }

    /// Takes a command and waits until it is carried out. Returns how many connections matched.
    pub(crate) async fn carry_out(&self, hub: HubName, action: Action) -> Result<usize, Stopping> {
        self.begin_action(hub, action).await?.matched().await
    }

    /// Takes a command. The caller can wait later until it is carried out.
    pub(crate) async fn begin_action(
        &self,
        hub: HubName,
        action: Action,
    ) -> Result<Begun, Stopping> {
        self.note(&hub, &action);
        self.begin(Command { hub, followed: action.followed(), action }).await
    }

    /// Counts the messages of an action, and shows them to the viewers of the live trace.
    fn note(&self, hub: &HubName, action: &Action) {
        self.taken.action(hub, action);
        if self.trace.is_watched() {
            traced::messages(hub, action).for_each(|event| self.trace.note(|| event));
        }
    }

    /// Takes a command. The caller can wait for the answer later.
    pub(crate) async fn begin(&self, command: Command) -> Result<Begun, Stopping> {
        let command = Arc::new(command);
        let mut answers = Vec::new();
        let destination = self.queues.destinations.of_action(&command.hub, &command.action);
        let work = || {
            let (matched, answer) = oneshot::channel();
            answers.push(answer);
            Work::Command { command: Arc::clone(&command), matched: Some(matched) }
        };
        self.queues.push(&destination, work).await?;
        Ok(Begun(answers))
    }

    /// Calls a method of a client and waits for its answer. `None` if the connection is not open,
    /// or ends before the client answers.
    pub(crate) async fn invoke(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
    ) -> Result<Option<Answered>, Stopping> {
        self.taken.message(&hub, TargetKind::Connection, &message);
        self.trace.note(|| traced::invocation(&hub, &connection, &message));
        let answer = self.begin_invocation(hub, connection, invocation_id, message, None).await?;
        Ok(answer.await.ok())
    }

    /// Calls a method of a client. The caller can wait for the answer later. The answer is dropped
    /// if the connection is not open, or ends before the client answers.
    pub(crate) async fn begin_invocation(
        &self,
        hub: HubName,
        connection: ConnectionId,
        invocation_id: String,
        message: Arc<Message>,
        asked_by: Option<String>,
    ) -> Result<oneshot::Receiver<Answered>, Stopping> {
        let (sender, answer) = oneshot::channel();
        let id = connection.clone();
        let invoke = Invoke { hub, connection, invocation_id, message, asked_by, answer: sender };
        self.queues.push_to_owner(&id, Work::Invoke(invoke)).await?;
        Ok(answer)
    }

    /// Asks for the claims of a connection's login. If there is a renewal, it is applied first. The
    /// caller can wait for the answer later. The answer is dropped if the connection is not open.
    pub(crate) async fn begin_login(
        &self,
        hub: HubName,
        connection: ConnectionId,
        renewal: Option<Renewal>,
    ) -> Result<oneshot::Receiver<LoginAnswer>, Stopping> {
        let (sender, answer) = oneshot::channel();
        let id = connection.clone();
        let request = LoginRequest { hub, connection, renewal, answer: sender };
        self.queues.push_to_owner(&id, Work::Login(request)).await?;
        Ok(answer)
    }

    /// Takes one step of moving a connection from one node to another.
    pub(crate) async fn move_connection(
        &self,
        hub: HubName,
        connection: ConnectionId,
        step: Step,
    ) -> Result<(), Stopping> {
        let id = connection.clone();
        self.queues.push_to_owner(&id, Work::Move { hub, connection, step }).await
    }

    /// Makes a connection that comes from another node known here. Messages for it arrive here from
    /// now on.
    pub(crate) async fn begin_arrival(&self, arriving: Arriving) -> Result<(), Stopping> {
        let Identity { id, hub, .. } = &*Arc::clone(&arriving.connection.identity);
        let shard = self.queues.destinations.shard_of.connection(id);
        let user_here = self.queues.destinations.users.hold(&arriving.connection.identity, shard);
        let step = Step::Begin { arriving: Box::new(arriving), user_here };
        self.move_connection(hub.clone(), id.clone(), step).await
    }

    /// How many connections a target names.
    pub(crate) async fn count(&self, hub: HubName, target: Target) -> Result<usize, Stopping> {
        self.begin_count(hub, target).await?.matched().await
    }

    /// Asks how many connections a target names. The caller can wait for the answer later.
    pub(crate) async fn begin_count(
        &self,
        hub: HubName,
        target: Target,
    ) -> Result<Begun, Stopping> {
        let mut answers = Vec::new();
        let destination = self.queues.destinations.of_target(&hub, &target);
        let work = || {
            let (count, answer) = oneshot::channel();
            answers.push(answer);
            let question = Question::Count { target: target.clone(), count };
            Work::Ask { hub: hub.clone(), question }
        };
        self.queues.push(&destination, work).await?;
        Ok(Begun(answers))
    }

    /// The first connections of a group on this node after `after`, shard by shard, each with its
    /// place. If a connection comes or goes, the places of the others stay the same.
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
        for shard in first..self.queues.destinations.shard_of.shards() {
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

    /// Passes on a message of an app server to one client.
    pub(crate) async fn hear_app(
        &self,
        hub: HubName,
        connection: ConnectionId,
        server: u64,
        said: FromApp,
    ) -> Result<(), Stopping> {
        let id = connection.clone();
        self.queues.push_to_owner(&id, Work::FromApp { hub, connection, server, said }).await
    }

    /// Moves the clients of a server connection to other app servers. Clients with an open call
    /// move later, unless the server connection is lost.
    pub(crate) async fn app_moves(&self, server: u64, is_lost: bool) -> Result<(), Stopping> {
        self.queues.push_to_all(|| Work::AppMoves { server, is_lost }).await
    }

    /// Ends the clients that were given to a server connection that is lost.
    pub(crate) async fn app_gone(&self, server: u64) -> Result<(), Stopping> {
        self.queues.push_to_all(|| Work::AppGone { server }).await
    }

    /// Makes the shards ask the store again for the groups of all users, because changes may have
    /// been missed.
    pub(crate) async fn ask_groups_again(&self) -> Result<(), Stopping> {
        self.queues.push_to_all(|| Work::AskGroupsAgain).await
    }

    /// The counts of each shard. If a shard does not answer within `patience`, its last known
    /// counts are reported.
    pub(crate) async fn report(&self, patience: Duration) -> Vec<ShardReport> {
        let asked = Instant::now();
        let shards = 0..self.queues.destinations.shard_of.shards();
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

    /// Asks every client to reconnect, over a period of time. Work is accepted as before.
    pub(crate) async fn close_over(&self, spread: Duration) {
        match timeout(spread.saturating_add(CLOSE_LEEWAY), self.closed_over(spread)).await {
            Ok(Ok(connections)) => tracing::info!(connections, "clients were told to come back"),
            // The remaining connections are closed at once when the shards are stopped.
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

    /// Closes every connection, waits until they have ended, and ends the shards. Work that was
    /// taken before is carried out.
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

/// A request to the shards, and their answers to come.
#[derive(Debug)]
pub(crate) struct Begun(Vec<oneshot::Receiver<usize>>);

impl Begun {
    /// Waits until the request is carried out. Returns how many connections matched.
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
