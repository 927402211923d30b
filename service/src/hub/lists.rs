//! The looks of operators at all shards, with the answers of the shards combined.

use signalr_serverless::{ConnectionId, HubName};
use tokio::sync::oneshot;

use super::{
    Hubs,
    begun::all,
    look::{ConnectionsOf, Detail, HubPart, Look, Named, NamesOf, Row, merged},
    queues::Stopping,
    work::{Cursor, Work},
};

impl Hubs {
    /// The size of each hub, shard by shard.
    pub(crate) async fn parts(&self) -> Result<Vec<HubPart>, Stopping> {
        Ok(self.look(Look::Hubs).await?.into_iter().flatten().collect())
    }

    /// The names that `of` asks for, each with the number of all its connections.
    pub(crate) async fn names(&self, of: NamesOf) -> Result<Vec<Named>, Stopping> {
        let limit = of.limit;
        let look = |answer| Look::Names { of: of.clone(), answer };
        let shards = self.look(look).await?;
        Ok(merged(shards.into_iter().flatten(), limit))
    }

    /// The connections that `of` asks for, shard by shard, after the place `after`.
    pub(crate) async fn rows(
        &self,
        node: u64,
        mut of: ConnectionsOf,
        after: Option<Cursor>,
    ) -> Result<Vec<(Cursor, Row)>, Stopping> {
        let mut page = Vec::new();
        let limit = of.limit;
        let first = after.map_or(0, |one| one.shard);
        of.after = after.map(|one| one.place);
        for shard in first..self.queues.destinations.shard_of.shards() {
            of.limit = limit.saturating_sub(page.len());
            if of.limit == 0 {
                break;
            }
            let (answer, rows) = oneshot::channel();
            let look = Look::Connections { of: of.clone(), answer };
            self.queues.push_to(shard, Work::Look(Box::new(look))).await?;
            let rows = rows.await.map_err(|_| Stopping)?.into_iter();
            page.extend(rows.map(|row| (Cursor { node, shard, place: row.place }, row)));
            of.after = None;
        }
        Ok(page)
    }

    /// The details of a connection; `None` if it is not open in the hub.
    pub(crate) async fn detail(
        &self,
        hub: HubName,
        id: ConnectionId,
    ) -> Result<Option<Detail>, Stopping> {
        let (answer, detail) = oneshot::channel();
        let owner = id.clone();
        let look = Look::Connection { hub, id, answer };
        self.queues.push_to_owner(&owner, Work::Look(Box::new(look))).await?;
        Ok(detail.await.ok())
    }

    async fn look<T>(
        &self,
        mut look: impl FnMut(oneshot::Sender<T>) -> Look,
    ) -> Result<Vec<T>, Stopping> {
        let mut answers = Vec::new();
        let work = || {
            let (answer, answered) = oneshot::channel();
            answers.push(answered);
            Work::Look(Box::new(look(answer)))
        };
        self.queues.push_to_all(work).await?;
        all(answers).await
    }
}
