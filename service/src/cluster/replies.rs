//! Sends the upstream's answers to the clients that wait for them.

use std::{sync::Arc, time::Duration};

use signalr_serverless::{ConnectionId, HubName};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Begun, Cluster};
use crate::{
    counters::Counters,
    hub::{
        Refused,
        command::{Action, Target},
        message::{Content, Message},
    },
    upstream::Reply,
};

/// How long an answer waits for the node that its client moved to.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon the node is tried again.
const AGAIN: Duration = Duration::from_millis(250);
/// How many answers may wait for other nodes.
const WAITING: usize = 256;

/// Sends each answer to its client, until no more answers can come or the service ends.
///
/// A client that moved while it waited is at another node. The broker or that node may be away for
/// a while, so these answers wait beside the others.
pub(crate) async fn deliver(
    cluster: &Cluster,
    counters: &Arc<Counters>,
    mut replies: mpsc::Receiver<Reply>,
) {
    let mut waiting = JoinSet::new();
    while let Some(Reply { hub, connection, completion }) = replies.recv().await {
        while waiting.try_join_next().is_some() {}
        // The answer already has the client's protocol, so it fits in both places.
        let content =
            Content::Encoded { json: Some(completion.clone()), message_pack: Some(completion) };
        let message = Arc::new(Message::new(content));
        let answer = UpstreamAnswer { cluster: cluster.clone(), hub, connection, message };
        match answer.begin().await {
            Ok(begun) if begun.is_here_only() => {}
            Err(Refused::Stopping(_)) => return,
            begun if waiting.len() < WAITING => {
                let counters = Arc::clone(counters);
                waiting.spawn(async move {
                    if !answer.arrives(begun).await {
                        answer.is_lost(&counters);
                    }
                });
            }
            _ => answer.is_lost(counters),
        }
    }
    // All answers are known. Those that wait for other nodes still have their time.
    while waiting.join_next().await.is_some() {}
}

/// The upstream's answer to a call of a client.
struct UpstreamAnswer {
    cluster: Cluster,
    hub: HubName,
    connection: ConnectionId,
    message: Arc<Message>,
}

impl UpstreamAnswer {
    async fn begin(&self) -> Result<Begun, Refused> {
        let recipients = Target::Connection(self.connection.clone()).into();
        let action = Action::Send { recipients, message: Arc::clone(&self.message) };
        self.cluster.begin(self.hub.clone(), action).await
    }

    /// Waits until the client's node has the answer, or it is sure that no node has the client. If
    /// the node cannot be reached, it is tried again. A client ignores an answer that it gets a
    /// second time.
    async fn arrives(&self, first: Result<Begun, Refused>) -> bool {
        let end = Instant::now() + PATIENCE;
        let mut begun = first;
        loop {
            let arrived = match begun {
                Ok(begun) => begun.matched().await.map(drop),
                Err(refused) => Err(refused),
            };
            match arrived {
                Ok(()) => return true,
                Err(Refused::Down(_)) if Instant::now() < end => sleep(AGAIN).await,
                Err(_) => return false,
            }
            begun = self.begin().await;
        }
    }

    fn is_lost(&self, counters: &Counters) {
        counters.answer_left_out();
        tracing::warn!(
            connection = %self.connection,
            "an answer of the upstream is lost, because its client's node cannot be reached"
        );
    }
}
