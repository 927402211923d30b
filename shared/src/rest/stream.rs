//! Streams of items to one client.

use serde::Serialize;

use super::{call::Call, client_failure, hub_address::HubAddress};
use crate::{
    error::Error,
    name::{ConnectionId, StreamId},
    operation::Operation,
};

/// A stream to the client that asked for it: its id is the id of the client's stream invocation.
///
/// ```no_run
/// # async fn example(connection: signalr_serverless::rest::Connection)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::StreamId;
///
/// let countdown = connection.stream(StreamId::parse("1")?);
/// for number in [3, 2] {
///     countdown.send(&number).await?;
/// }
/// countdown.send_last(&1).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientStream {
    hub: HubAddress,
    connection: ConnectionId,
    id: StreamId,
}

impl ClientStream {
    pub(super) fn new(hub: HubAddress, connection: ConnectionId, id: StreamId) -> Self {
        Self { hub, connection, id }
    }

    /// The stream's id.
    #[must_use]
    pub fn id(&self) -> &StreamId {
        &self.id
    }

    /// Sends an item: anything that serde can write as JSON.
    ///
    /// ```no_run
    /// # async fn example(stream: signalr_serverless::rest::ClientStream)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// stream.send(&["any", "JSON"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::ConnectionGone`] if the client is gone, [`Error::Unserializable`] if
    /// the item cannot become JSON, and [`Error::UnsupportedOperation`] before version 2024-12-01.
    pub async fn send(&self, item: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.run(self.call(Operation::SendStreamItem).body(item)?).await
    }

    /// Sends the last item and completes the stream.
    ///
    /// ```no_run
    /// # async fn example(stream: signalr_serverless::rest::ClientStream)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// stream.send_last(&"the end").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`ClientStream::send`].
    pub async fn send_last(self, item: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let call = self.call(Operation::SendStreamItem).query("completed", "true");
        self.run(call.body(item)?).await
    }

    /// Completes the stream. With a reason, the stream fails at the client.
    ///
    /// ```no_run
    /// # async fn example(stream: signalr_serverless::rest::ClientStream)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// stream.complete(Some("there is no more")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::ConnectionGone`] if the client is gone, and
    /// [`Error::UnsupportedOperation`] before version 2024-12-01.
    pub async fn complete(self, reason: Option<&str>) -> Result<(), Error> {
        self.run(self.call(Operation::CompleteStream).reason(reason)).await
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub
            .call(operation)
            .parameter("connectionId", self.connection.as_str())
            .parameter("streamId", self.id.as_str())
    }

    async fn run(&self, call: Call<'_>) -> Result<(), Error> {
        call.run().await.map_err(|error| client_failure::explain(error, &self.connection))
    }
}
