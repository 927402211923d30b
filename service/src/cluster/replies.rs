//! Sends the upstream's answers to the clients that wait for them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Cluster;
use crate::{
    hub::{
        Refused,
        command::{Action, Target},
        message::{Content, Message},
    },
    upstream::Reply,
};

/// Sends each answer to its client, until no more answers can come or the service ends.
pub(crate) async fn deliver(cluster: &Cluster, mut replies: mpsc::Receiver<Reply>) {
    while let Some(Reply { hub, connection, completion }) = replies.recv().await {
        // The answer already has the client's protocol, so it fits in both places.
        let content =
            Content::Encoded { json: Some(completion.clone()), message_pack: Some(completion) };
        let recipients = Target::Connection(connection).into();
        let action = Action::Send { recipients, message: Arc::new(Message::new(content)) };
        if let Err(Refused::Stopping(_)) = cluster.submit(hub, action).await {
            return;
        }
    }
}
