//! Streams to the server.

use serde::Serialize;

use crate::{
    command::{Caller, Command},
    error::CallError,
    payload::Payload,
    protocol::Outcome,
};

/// A stream to the server, made by [`Call::with_uploads`](crate::Call::with_uploads). If it is dropped
/// before its end, the server gets an error.
#[derive(Debug)]
pub struct Upload {
    caller: Caller,
    id: Option<String>,
}

impl Upload {
    pub(crate) fn new(caller: &Caller, id: String) -> Self {
        Self { caller: caller.clone(), id: Some(id) }
    }

    /// Sends an item. Returns when the item is in the queue.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn send(&self, item: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        let item = Payload::encode(self.caller.protocol, item)?;
        let id = self.id.clone().unwrap_or_default();
        let sent = self.caller.commands.send(Command::Item { id, item }).await;
        sent.map_err(|_| CallError::Closed)
    }

    /// Ends the stream successfully.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn complete(self) -> Result<(), CallError> {
        self.end(Ok(None)).await
    }

    /// Ends the stream with an error text for the server.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn fail(self, error: &str) -> Result<(), CallError> {
        self.end(Err(error.to_owned())).await
    }

    async fn end(mut self, outcome: Outcome) -> Result<(), CallError> {
        let Some(id) = self.id.take() else { return Ok(()) };
        let sent = self.caller.commands.send(Command::EndUpload { id, outcome }).await;
        sent.map_err(|_| CallError::Closed)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let outcome = Err("the client gave the stream up".to_owned());
        // If the queue is full, the server learns of the end only when the connection ends.
        let _ = self.caller.commands.try_send(Command::EndUpload { id, outcome });
    }
}
