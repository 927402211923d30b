//! Upstream's answers, on their way to the clients that wait for them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    Hubs,
    command::{Action, Target},
    message::{Content, Message},
};
use crate::upstream::Reply;

/// Hands each answer to its client, until nobody can answer any more or the service ends.
pub(crate) async fn deliver(hubs: &Hubs, mut replies: mpsc::Receiver<Reply>) {
    while let Some(Reply { hub, connection, completion }) = replies.recv().await {
        // It is in the client's protocol already, whichever that is.
        let content =
            Content::Encoded { json: Some(completion.clone()), message_pack: Some(completion) };
        let recipients = Target::Connection(connection).into();
        let action = Action::Send { recipients, message: Arc::new(Message::new(content)) };
        if hubs.submit(hub, action).await.is_err() {
            return;
        }
    }
}
