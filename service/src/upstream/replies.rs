//! Sends answers to the shards. Each shard has its own queue, so that a busy shard does not delay
//! answers for another.

use tokio::sync::mpsc;

use super::event::Reply;
use crate::shard_of::ShardOf;

/// How many answers may wait for one shard.
const WAITING: usize = 64;

/// The queues for answers.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    shard_of: ShardOf,
    queues: Vec<mpsc::Sender<Reply>>,
}

impl Replies {
    /// Makes a queue for each shard. Returns the receiving ends too.
    pub(crate) fn new(shard_of: ShardOf) -> (Self, Vec<mpsc::Receiver<Reply>>) {
        let (queues, ends) = (0..shard_of.shards()).map(|_| mpsc::channel(WAITING)).unzip();
        (Self { shard_of, queues }, ends)
    }

    /// Waits for a place in the queue of the connection's shard. If the service has ended, the
    /// answer is dropped.
    pub(super) async fn send(&self, reply: Reply) {
        let shard = self.shard_of.connection(&reply.connection);
        if let Some(queue) = self.queues.get(shard) {
            let _ = queue.send(reply).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use bytes::Bytes;
    use signalr_serverless::{ConnectionId, HubName};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_busy_shard_holds_up_no_answer_for_another() {
        let shard_of = ShardOf::new(NonZeroUsize::new(2).unwrap());
        let (replies, mut ends) = Replies::new(shard_of.clone());
        let of = |shard| {
            let ids = (0..).map(|number| ConnectionId::parse(&format!("c{number}")).unwrap());
            ids.into_iter().find(|id| shard_of.connection(id) == shard).unwrap()
        };
        let reply = |shard| Reply {
            hub: HubName::parse("chat").unwrap(),
            connection: of(shard),
            completion: Bytes::new(),
        };
        for _ in 0..WAITING {
            replies.send(reply(0)).await;
        }
        let limit = Duration::from_secs(1);
        assert!(timeout(limit, replies.send(reply(0))).await.is_err());
        for _ in 0..WAITING {
            timeout(limit, replies.send(reply(1))).await.unwrap();
            assert_eq!(ends[1].recv().await.unwrap().connection, of(1));
        }
    }
}
