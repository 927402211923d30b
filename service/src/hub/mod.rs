//! The hubs of a service: one handle to all shards.

pub(crate) mod answer;
mod app_route;
mod begun;
mod clients;
pub(crate) mod command;
mod commands;
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

use futures_util::future::join_all;
use signalr_serverless::{ConnectionId, HubName};
use tokio::{
    runtime::{self, Handle},
    sync::oneshot,
    task::LocalSet,
    time::{Instant, timeout},
};

pub(crate) use self::{
    begun::Begun,
    queues::{AT_ONCE, Stopping},
    refused::Refused,
};
use self::{
    begun::all,
    counts::{ShardCounts, ShardReport},
    queues::Queues,
    shard::Shared,
    taken::Taken,
    user_groups::UserGroups,
    work::{FromApp, Work},
};
use crate::{shard_of::ShardOf, trace::Trace};

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
