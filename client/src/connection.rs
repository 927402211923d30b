//! A connection, for making calls.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{mpsc, oneshot};

use crate::{
    call::{Call, Items},
    command::Caller,
    error::CallError,
};

/// A connection, for making calls. Clones share it. It ends when the last clone is dropped.
///
/// ```no_run
/// # async fn example(connection: signalr_client::Connection) -> Result<(), signalr_client::CallError> {
/// connection.send("log", &("hello",)).await?;
/// let sum: i64 = connection.invoke("add", &(1, 2)).await?;
/// let mut items = connection.stream("count", &(10,)).await?;
/// while let Some(item) = items.next().await {
///     println!("{}", item?.read::<u32>()?);
/// }
/// connection.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) caller: Caller,
    pub(crate) closes: mpsc::Sender<oneshot::Sender<()>>,
    pub(crate) id: SharedId,
}

/// The id, which changes with a reconnect. The lock is held only for a copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedId(Arc<Mutex<Option<Arc<str>>>>);

impl SharedId {
    pub(crate) fn set(&self, id: Option<&str>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = id.map(Into::into);
    }

    fn get(&self) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Connection {
    /// The server's id of the connection. A reconnect changes it, except a stateful reconnect. `None`
    /// if there was no negotiation.
    #[must_use]
    pub fn id(&self) -> Option<Arc<str>> {
        self.id.get()
    }

    /// Prepares a call that can have its own streams.
    #[must_use]
    pub fn call<'a, A: Serialize + ?Sized>(
        &'a self,
        target: &'a str,
        arguments: &'a A,
    ) -> Call<'a, A> {
        Call::new(&self.caller, target, arguments)
    }

    /// Calls a method and asks for no answer. Returns when the call is in the queue.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn send(
        &self,
        target: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<(), CallError> {
        self.call(target, arguments).send().await.map(drop)
    }

    /// Calls a method and waits for its result. If the method has no result, ask for `()`.
    ///
    /// # Errors
    ///
    /// [`CallError`]. There is no time limit: wrap it in `tokio::time::timeout`, which cancels the
    /// call.
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        target: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<R, CallError> {
        let (_, answer) = self.call(target, arguments).invoke().await?;
        answer.result().await
    }

    /// Calls a method that answers with a stream.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn stream(
        &self,
        target: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Items, CallError> {
        self.call(target, arguments).stream().await.map(|(_, items)| items)
    }

    /// Says goodbye to the server and waits until the connection has ended.
    pub async fn close(&self) {
        let (ended, end) = oneshot::channel();
        if self.closes.send(ended).await.is_ok() {
            // The connection has ended if this is answered or dropped.
            let _ = end.await;
        }
    }
}
