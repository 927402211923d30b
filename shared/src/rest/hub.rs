//! Calls to a whole hub.

use super::{Connection, Group, Message, Operation, RestClient, User, call::Call};
use crate::{
    error::Error,
    name::{ConnectionId, GroupName, HubName, UserId},
};

/// A hub of the service.
#[derive(Clone, Debug)]
pub struct Hub {
    client: RestClient,
    name: HubName,
}

impl Hub {
    pub(super) fn new(client: RestClient, name: HubName) -> Self {
        Self { client, name }
    }

    /// The hub's name.
    #[must_use]
    pub fn name(&self) -> &HubName {
        &self.name
    }

    /// A group of the hub.
    #[must_use]
    pub fn group(&self, name: GroupName) -> Group {
        Group::new(self.clone(), name)
    }

    /// A user of the hub.
    #[must_use]
    pub fn user(&self, id: UserId) -> User {
        User::new(self.clone(), id)
    }

    /// A connection of the hub.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Connection {
        Connection::new(self.clone(), id)
    }

    /// Sends to every connection of the hub.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn broadcast(&self, message: &Message) -> Result<(), Error> {
        self.broadcast_except(message, &[]).await
    }

    /// Sends to every connection of the hub but these.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn broadcast_except(
        &self,
        message: &Message,
        excluded: &[ConnectionId],
    ) -> Result<(), Error> {
        let call = self.call(Operation::Broadcast).excluding(excluded).body(message);
        call.run(&self.client).await
    }

    pub(super) fn call(&self, operation: Operation) -> Call<'_> {
        Call::new(operation).hub(&self.name)
    }

    pub(super) fn client(&self) -> &RestClient {
        &self.client
    }
}
