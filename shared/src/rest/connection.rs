//! Calls to one connection.

use serde::{Deserialize, Deserializer, de, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    call::Call, client_failure, group::Group, hub_address::HubAddress, message::Message,
    stream::ClientStream,
};
use crate::{
    error::Error,
    error_code,
    name::{ConnectionId, GroupName, StreamId},
    operation::Operation,
};

/// A connection of a hub.
///
/// ```no_run
/// # async fn example(hub: signalr_serverless::rest::Hub)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use signalr_serverless::{ConnectionId, GroupName, rest::Message};
///
/// let connection = hub.connection(ConnectionId::parse("ZKY8S0b3V2Cq7Q")?);
/// if connection.exists().await? {
///     connection.add_to_group(&GroupName::parse("readers")?).await?;
///     connection.send(&Message::new("welcome", &())?).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    hub: HubAddress,
    id: ConnectionId,
}

impl Connection {
    pub(super) fn new(hub: HubAddress, id: ConnectionId) -> Self {
        Self { hub, id }
    }

    /// The connection's id.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// Sends to the connection.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// # let message = &rest::Message::new("newMessage", &["hello"])?;
    /// connection.send(message).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.call(Operation::SendToConnection).body(message)?.run().await
    }

    /// Invokes a method of the client and returns its result. If the client returns nothing, the
    /// result is `()` or `None`.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use signalr_serverless::{Error, rest::Message};
    ///
    /// match connection.invoke::<String>(&Message::new("getName", &())?).await {
    ///     Ok(name) => println!("the client's name is {name}"),
    ///     Err(Error::ConnectionGone { .. }) => println!("the client is gone"),
    ///     Err(Error::InvocationFailed { message, .. }) => println!("the client says {message}"),
    ///     Err(Error::InvocationTimedOut { .. }) => println!("the client does not answer"),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::ConnectionGone`], [`Error::InvocationFailed`] and
    /// [`Error::InvocationTimedOut`] if the client is gone, fails or does not answer,
    /// [`Error::InvalidReply`] if the result is not a `T`, and [`Error::UnsupportedOperation`]
    /// before version 2024-12-01.
    pub async fn invoke<T: DeserializeOwned>(&self, message: &Message) -> Result<T, Error> {
        let call = self.call(Operation::InvokeConnection).body(message)?;
        let answer = call.read::<ClientInvocationResponse<T>>().await;
        answer.map(|answer| answer.result).map_err(|error| client_failure::explain(error, &self.id))
    }

    /// A stream that the client asked for.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let countdown = connection.stream(StreamId::parse("1")?);
    /// countdown.send(&3).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stream(&self, id: StreamId) -> ClientStream {
        ClientStream::new(self.hub.clone(), self.id.clone(), id)
    }

    /// Closes the connection. If it is gone already, this succeeds.
    ///
    /// The client learns the reason if its token asks for detailed errors.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// connection.close(Some("signed out")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn close(&self, reason: Option<&str>) -> Result<(), Error> {
        let call = self.call(Operation::CloseConnection).reason(reason);
        call.run_unless(error_code::CONNECTION_ALREADY_GONE).await.map(drop)
    }

    /// Whether the connection is open.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let is_open = connection.exists().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let call = self.call(Operation::ConnectionExists);
        call.run_unless(error_code::CONNECTION_ALREADY_GONE).await
    }

    /// Adds the connection to a group. Returns whether the connection exists.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// let is_there = connection.add_to_group(&GroupName::parse("readers")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn add_to_group(&self, group: &GroupName) -> Result<bool, Error> {
        Group::new(self.hub.clone(), group.clone()).add_connection(&self.id).await
    }

    /// Removes the connection from a group.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// # use signalr_serverless::*;
    /// connection.remove_from_group(&GroupName::parse("readers")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_from_group(&self, group: &GroupName) -> Result<(), Error> {
        Group::new(self.hub.clone(), group.clone()).remove_connection(&self.id).await
    }

    /// Removes the connection from all groups.
    ///
    /// ```no_run
    /// # async fn example(connection: signalr_serverless::rest::Connection)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// connection.remove_from_all_groups().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] in v1.
    pub async fn remove_from_all_groups(&self) -> Result<(), Error> {
        self.call(Operation::RemoveConnectionFromAllGroups).run().await
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub.call(operation).parameter("connectionId", self.id.as_str())
    }
}

struct ClientInvocationResponse<T> {
    result: T,
}

/// A missing result is read as `null`.
impl<'de, T: DeserializeOwned> Deserialize<'de> for ClientInvocationResponse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Published {
            result: Option<Box<RawValue>>,
        }
        let published = Published::deserialize(deserializer)?;
        let json = published.result.as_deref().map_or("null", RawValue::get);
        let result = serde_json::from_str(json)
            .map_err(|error| de::Error::custom(format!("the client's result: {error}")))?;
        Ok(Self { result })
    }
}
