//! Calls of the server's methods, and their answers.

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{mpsc, oneshot};

use crate::{
    command::{Answered, CallCommand, Caller, Command, Reply, Started},
    error::CallError,
    payload::Payload,
    upload::Upload,
};

/// How many items of a stream may wait for the program. If this many wait, the connection reads no
/// more.
const QUEUED_ITEMS: usize = 64;

/// A call that is being prepared.
///
/// ```no_run
/// # async fn example(connection: signalr_client::Connection) -> Result<(), signalr_client::CallError> {
/// let (uploads, answer) = connection.call("sum", &()).with_uploads(1).invoke().await?;
/// for upload in uploads {
///     upload.send(&1).await?;
///     upload.send(&2).await?;
///     upload.complete().await?;
/// }
/// assert_eq!(answer.result::<i64>().await?, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Call<'a, A: ?Sized> {
    caller: &'a Caller,
    target: &'a str,
    arguments: &'a A,
    uploads: usize,
}

impl<'a, A: Serialize + ?Sized> Call<'a, A> {
    pub(crate) fn new(caller: &'a Caller, target: &'a str, arguments: &'a A) -> Self {
        Self { caller, target, arguments, uploads: 0 }
    }

    /// Sends this many streams with the call. The method gets them as further parameters after its
    /// arguments.
    #[must_use]
    pub fn with_uploads(mut self, uploads: usize) -> Self {
        self.uploads = uploads;
        self
    }

    /// Calls without asking for an answer.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn send(self) -> Result<Vec<Upload>, CallError> {
        let (uploads, _) = self.start(Reply::None).await?;
        Ok(uploads)
    }

    /// Calls and asks for a result.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn invoke(self) -> Result<(Vec<Upload>, Answer), CallError> {
        let (sender, result) = oneshot::channel();
        let (uploads, guard) = self.start(Reply::Result(sender)).await?;
        Ok((uploads, Answer { result, guard }))
    }

    /// Calls and asks for a stream.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn stream(self) -> Result<(Vec<Upload>, Items), CallError> {
        let (sender, items) = mpsc::channel(QUEUED_ITEMS);
        let (uploads, guard) = self.start(Reply::Stream(sender)).await?;
        Ok((uploads, Items { items, guard }))
    }

    async fn start(self, reply: Reply) -> Result<(Vec<Upload>, Guard), CallError> {
        let commands = &self.caller.commands;
        let (started, start) = oneshot::channel();
        let call = CallCommand {
            target: self.target.to_owned(),
            arguments: Payload::arguments(self.caller.protocol, self.arguments)?,
            uploads: self.uploads,
            reply,
            started,
        };
        commands.send(Command::Call(call)).await.map_err(|_| CallError::Closed)?;
        let Started { id, upload_ids } = start.await.unwrap_or(Err(CallError::Closed))?;
        let uploads = upload_ids.into_iter().map(|id| Upload::new(self.caller, id)).collect();
        Ok((uploads, Guard { id, commands: commands.downgrade() }))
    }
}

/// The answer to a call, which may still be on its way. Dropping it cancels the call.
#[derive(Debug)]
pub struct Answer {
    result: oneshot::Receiver<Answered>,
    guard: Guard,
}

impl Answer {
    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn result<R: DeserializeOwned>(self) -> Result<R, CallError> {
        Ok(match self.payload().await? {
            Some(payload) => payload.read()?,
            None => serde_json::from_str("null")
                .map_err(|_| CallError::Server("the method has no result".to_owned()))?,
        })
    }

    /// Waits for the result as it comes; `None` if the method has none.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn payload(mut self) -> Result<Option<Payload>, CallError> {
        let answered = (&mut self.result).await.unwrap_or(Err(CallError::Closed));
        self.guard.id = None;
        answered
    }
}

/// A stream from the server. Dropping it cancels the call.
///
/// Items that are not read slow the whole connection down.
#[derive(Debug)]
pub struct Items {
    items: mpsc::Receiver<Result<Payload, CallError>>,
    guard: Guard,
}

impl Items {
    /// The next item; `None` after the last one. No item follows an error.
    pub async fn next(&mut self) -> Option<Result<Payload, CallError>> {
        let next = self.items.recv().await;
        if !matches!(next, Some(Ok(_))) {
            self.guard.id = None;
        }
        next
    }

    /// The id of the call. The REST API of a service uses it to send items of the stream.
    #[must_use]
    pub fn id(&self) -> &str {
        self.guard.id.as_deref().unwrap_or_default()
    }
}

/// Cancels a call if the program no longer waits for it.
#[derive(Debug)]
struct Guard {
    id: Option<String>,
    commands: mpsc::WeakSender<Command>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some((id, commands)) = self.id.take().zip(self.commands.upgrade()) else { return };
        // If the queue is full, the call is cancelled when its next item arrives and has no
        // receiver.
        let _ = commands.try_send(Command::Cancel { id });
    }
}
