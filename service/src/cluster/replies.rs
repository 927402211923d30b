//! Upstream's answers, on their way to the clients that wait for them.

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

/// Hands each answer to its client, until nobody can answer any more or the service ends.
pub(crate) async fn deliver(cluster: &Cluster, mut replies: mpsc::Receiver<Reply>) {
    while let Some(Reply { hub, connection, completion }) = replies.recv().await {
        // It is in the client's protocol already, whichever that is.
        let content =
            Content::Encoded { json: Some(completion.clone()), message_pack: Some(completion) };
        let recipients = Target::Connection(connection).into();
        let action = Action::Send { recipients, message: Arc::new(Message::new(content)) };
        if let Err(Refused::Stopping(_)) = cluster.submit(hub, action).await {
            return;
        }
    }
}
