//! A connection, for those who call.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{mpsc, oneshot};

use crate::{
    call::{Call, Items},
    command::Caller,
    error::CallError,
};

/// A connection, for those who call. Clones share it; with the last one it ends.
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

/// The id, which changes with a reconnect. Held for the time of a copy only.
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
    /// The id that the server knows the connection by. A reconnect changes it, except a stateful one.
    /// `None` if there was no negotiation.
    #[must_use]
    pub fn id(&self) -> Option<Arc<str>> {
        self.id.get()
    }

    /// A call in the making, with streams of its own.
    #[must_use]
    pub fn call<'a, A: Serialize + ?Sized>(
        &'a self,
        target: &'a str,
        arguments: &'a A,
    ) -> Call<'a, A> {
        Call::new(&self.caller, target, arguments)
    }

    /// Calls a method and asks for no answer. Returns when the call waits to be sent.
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

    /// Calls a method and waits for its result; for one without, ask for `()`.
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
            // Dropped or answered, it has ended.
            let _ = end.await;
        }
    }
}
