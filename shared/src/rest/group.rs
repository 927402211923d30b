//! Calls to a group.

use super::{Continuation, GroupPage, Hub, Message, Operation, PageSize, call::Call};
use crate::{
    error::Error,
    name::{ConnectionId, GroupName},
};

/// A group of a hub. It exists as long as it has a connection.
#[derive(Clone, Debug)]
pub struct Group {
    hub: Hub,
    name: GroupName,
}

impl Group {
    pub(super) fn new(hub: Hub, name: GroupName) -> Self {
        Self { hub, name }
    }

    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// Sends to every connection of the group.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send(&self, message: &Message) -> Result<(), Error> {
        self.send_except(message, &[]).await
    }

    /// Sends to every connection of the group but these.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send_except(
        &self,
        message: &Message,
        excluded: &[ConnectionId],
    ) -> Result<(), Error> {
        let call = self.call(Operation::SendToGroup).excluding(excluded).body(message);
        call.run(self.hub.client()).await
    }

    /// Adds a connection. One that is gone is no error, as in Azure's own SDK.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn add_connection(&self, connection: &ConnectionId) -> Result<(), Error> {
        let call = self.call(Operation::AddConnectionToGroup);
        let call = call.parameter("connectionId", connection.as_str());
        call.run_unless(self.hub.client(), "Error.Connection.NotExisted").await.map(drop)
    }

    /// Removes a connection.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn remove_connection(&self, connection: &ConnectionId) -> Result<(), Error> {
        let call = self.call(Operation::RemoveConnectionFromGroup);
        call.parameter("connectionId", connection.as_str()).run(self.hub.client()).await
    }

    /// Whether the group has any connection.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn exists(&self) -> Result<bool, Error> {
        let call = self.call(Operation::GroupExists);
        call.run_unless(self.hub.client(), "Warning.Group.NotExisted").await
    }

    /// Lists a page of the group's connections, from the first or from where a page ended.
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::UnsupportedOperation`] before version 2024-12-01.
    pub async fn list(
        &self,
        size: PageSize,
        from: Option<&Continuation>,
    ) -> Result<GroupPage, Error> {
        let mut call =
            self.call(Operation::ListGroupConnections).query("maxpagesize", size.get().to_string());
        if let Some(continuation) = from {
            call = call.query("continuationToken", continuation.as_str());
        }
        call.read(self.hub.client()).await
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        self.hub.call(operation).parameter("group", self.name.as_str())
    }
}
