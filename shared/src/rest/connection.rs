//! Calls to one connection.

use super::{Hub, Message, Operation, call::Call};
use crate::{
    error::Error,
    name::{ConnectionId, GroupName},
};

/// A connection of a hub.
#[derive(Clone, Debug)]
pub struct Connection {
    hub: Hub,
    id: ConnectionId,
}

impl Connection {
    pub(super) fn new(hub: Hub, id: ConnectionId) -> Self {
        Self { hub, id }
    }

    /// The connection's id.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// Sends to the connection.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.call(Operation::SendToConnection).body(message).run(self.hub.client()).await
    }

    /// Closes the connection. One that is gone is no error.
    ///
    /// The client learns the reason where its token asks for detailed errors.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn close(&self, reason: Option<&str>) -> Result<(), Error> {
        let mut call = self.call(Operation::CloseConnection);
        if let Some(reason) = reason {
            call = call.query("reason", reason);
        }
        call.run_unless(self.hub.client(), "Warning.Connection.NotExisted").await.map(drop)
    }

    /// Whether the connection is open.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let call = self.call(Operation::ConnectionExists);
        call.run_unless(self.hub.client(), "Warning.Connection.NotExisted").await
    }

    /// Adds the connection to a group. A connection that is gone is no error.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn add_to_group(&self, group: &GroupName) -> Result<(), Error> {
        self.hub.group(group.clone()).add_connection(&self.id).await
    }

    /// Removes the connection from a group.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_from_group(&self, group: &GroupName) -> Result<(), Error> {
        self.hub.group(group.clone()).remove_connection(&self.id).await
    }

    /// Removes the connection from all groups.
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] in v1.
    pub async fn remove_from_all_groups(&self) -> Result<(), Error> {
        self.call(Operation::RemoveConnectionFromAllGroups).run(self.hub.client()).await
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub.call(operation).parameter("connectionId", self.id.as_str())
    }
}
