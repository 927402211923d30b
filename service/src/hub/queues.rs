//! The queues of the shards, and the one order in which work is put into them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use signalr_serverless::ConnectionId;
use tokio::sync::mpsc;

use super::{
    destination::{Destination, Destinations},
    work::{ClientRequest, Work},
};
use crate::shard_of::ShardOf;

/// How much work may wait in a shard's queue. A publisher that is faster than the sockets waits for
/// a place, and waiting messages are written together.
const WINDOW: usize = 64;

/// How much work can be put into a queue at once.
pub(crate) const AT_ONCE: usize = WINDOW / 2;

/// A queue for each shard. Work is taken once it is in the queue of every shard that it concerns.
pub(super) struct Queues {
    queues: Vec<mpsc::Sender<Work>>,
    /// Held while work is put into the queues, so that every shard has the same order. Never held
    /// across an await.
    order: Mutex<Intake>,
    /// Held while places in all queues are collected, so that one caller at a time collects them.
    /// Work for all shards that waits for a busy shard then uses only one place of each other
    /// shard. The other places stay free for work that needs one shard only.
    collecting: tokio::sync::Mutex<()>,
    pub(super) destinations: Destinations,
}

/// Whether work is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intake {
    Open,
    /// All work is refused, except requests of clients that end their connections.
    Closed,
}

/// The service is ending and accepts no more work.
#[derive(Debug, thiserror::Error)]
#[error("the service is shutting down")]
pub(crate) struct Stopping;

impl Queues {
    /// Makes a queue for each shard. Returns the receiving ends too.
    pub(super) fn new(shard_of: ShardOf) -> (Self, Vec<mpsc::Receiver<Work>>) {
        let (queues, ends) = (0..shard_of.shards()).map(|_| mpsc::channel(WINDOW)).unzip();
        let order = Mutex::new(Intake::Open);
        let collecting = tokio::sync::Mutex::new(());
        (Self { queues, order, collecting, destinations: Destinations::new(shard_of) }, ends)
    }

    /// Puts work into the queues of its shards.
    pub(super) async fn push(
        &self,
        destination: &Destination,
        mut work: impl FnMut() -> Work,
    ) -> Result<(), Stopping> {
        match destination {
            Destination::One(shard) => self.push_to(*shard, work()).await,
            Destination::These(shards) => self.push_to_each(shards.iter().copied(), work).await,
            Destination::All => self.push_to_all(work).await,
        }
    }

    /// Puts work into every queue.
    pub(super) async fn push_to_all(&self, work: impl FnMut() -> Work) -> Result<(), Stopping> {
        self.push_to_each(0..self.queues.len(), work).await
    }

    /// Puts work into the queues of some shards in the common order, as soon as all of them have a
    /// place.
    async fn push_to_each(
        &self,
        shards: impl ExactSizeIterator<Item = usize>,
        mut work: impl FnMut() -> Work,
    ) -> Result<(), Stopping> {
        let mut places = Vec::with_capacity(shards.len());
        let _collecting = self.collecting.lock().await;
        for shard in shards {
            let queue = self.queues.get(shard).ok_or(Stopping)?;
            places.push(queue.reserve().await.map_err(|_| Stopping)?);
        }
        let order = self.in_order();
        if *order == Intake::Closed {
            return Err(Stopping);
        }
        for place in places {
            place.send(work());
        }
        Ok(())
    }

    /// Puts work into the queues, as soon as they have places for all of it. Each queue has a list
    /// of at most [`AT_ONCE`]. A shard that sleeps is woken once for its whole list.
    pub(super) async fn push_many(&self, works: Vec<Vec<Work>>) -> Result<(), Stopping> {
        let mut places = Vec::with_capacity(self.queues.len());
        let _collecting = self.collecting.lock().await;
        for (queue, works) in self.queues.iter().zip(&works) {
            places.push(queue.reserve_many(works.len()).await.map_err(|_| Stopping)?);
        }
        let order = self.in_order();
        if *order == Intake::Closed {
            return Err(Stopping);
        }
        for (places, works) in places.into_iter().zip(works) {
            for (place, work) in places.zip(works) {
                place.send(work);
            }
        }
        Ok(())
    }

    /// Puts work into the queue of the shard that owns a connection.
    pub(super) async fn push_to_owner(
        &self,
        id: &ConnectionId,
        work: Work,
    ) -> Result<(), Stopping> {
        self.push_to(self.destinations.shard_of.connection(id), work).await
    }

    /// Puts work into the queue of one shard.
    pub(super) async fn push_to(&self, shard: usize, work: Work) -> Result<(), Stopping> {
        let queue = self.queues.get(shard).ok_or(Stopping)?;
        let place = queue.reserve().await.map_err(|_| Stopping)?;
        let order = self.in_order();
        if *order == Intake::Closed {
            return Err(Stopping);
        }
        place.send(work);
        Ok(())
    }

    /// Puts in a client's request about its connection. This works at the end of the service too.
    pub(super) async fn push_from_client(
        &self,
        id: &ConnectionId,
        request: ClientRequest,
    ) -> Result<(), Stopping> {
        let work = Work::FromClient { connection: id.clone(), request };
        self.queues[self.destinations.shard_of.connection(id)]
            .send(work)
            .await
            .map_err(|_| Stopping)
    }

    /// Refuses new work, and lets every shard end after it has carried out the earlier work.
    /// Returns when all shards have ended.
    pub(super) async fn stop(&self) {
        let mut places = Vec::with_capacity(self.queues.len());
        for queue in &self.queues {
            // A closed queue belongs to a shard that has already ended.
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
    }

    fn in_order(&self) -> MutexGuard<'_, Intake> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, pin::pin, sync::Arc, time::Duration};

    use futures_util::poll;
    use tokio::{task::JoinSet, time::timeout};

    use super::*;

    /// Any work will do here.
    fn work() -> Work {
        Work::Stop
    }

    #[tokio::test]
    async fn a_stalled_shard_stops_nobody_who_needs_another() {
        let (queues, mut ends) = Queues::new(ShardOf::new(NonZeroUsize::new(2).unwrap()));
        let (queues, _stalled) = (Arc::new(queues), ends.pop().unwrap());
        let mut running = ends.pop().unwrap();
        let mut to_all = JoinSet::new();
        for _ in 0..10 * WINDOW {
            let queues = Arc::clone(&queues);
            to_all.spawn(async move { queues.push_to_all(work).await });
        }
        for _ in 0..WINDOW {
            to_all.join_next().await.unwrap().unwrap().unwrap();
            running.recv().await.unwrap();
        }
        for _ in 0..10 * WINDOW {
            let pushed = timeout(Duration::from_secs(10), queues.push_to(0, work())).await;
            pushed.expect("the running shard has a place").unwrap();
            running.recv().await.unwrap();
        }
        assert!(to_all.try_join_next().is_none(), "the stalled shard has no place");
    }

    #[tokio::test]
    async fn work_that_is_put_in_together_keeps_its_order() {
        let (queues, mut ends) = Queues::new(ShardOf::new(NonZeroUsize::new(2).unwrap()));
        let (mut many, mut few) = (ends.remove(0), ends.remove(0));
        let numbered = |shard| Work::AppGone { server: shard };
        queues.push_many(vec![(0..3).map(numbered).collect(), vec![numbered(0)]]).await.unwrap();
        queues.push_to_all(|| numbered(3)).await.unwrap();
        for expected in 0..4 {
            let work = many.recv().await.unwrap();
            assert!(matches!(work, Work::AppGone { server } if server == expected));
        }
        for expected in [0, 3] {
            let work = few.recv().await.unwrap();
            assert!(matches!(work, Work::AppGone { server } if server == expected));
        }
    }

    #[tokio::test]
    async fn a_list_waits_for_places_for_all_of_it() {
        let (queues, mut ends) = Queues::new(ShardOf::new(NonZeroUsize::MIN));
        let list = || vec![(0..AT_ONCE).map(|_| work()).collect()];
        for _ in 0..WINDOW / AT_ONCE {
            queues.push_many(list()).await.unwrap();
        }
        let mut waiting = pin!(queues.push_many(list()));
        for _ in 0..AT_ONCE {
            assert!(poll!(waiting.as_mut()).is_pending());
            ends[0].recv().await.unwrap();
        }
        waiting.await.unwrap();
    }
}
